package model

import (
	"testing"

	"github.com/captionlab/captionlab/internal/setting/settingtest"
)

// TestConfigAllowsEveryKind: what can be built can be asked for, and the other way round.
func TestConfigAllowsEveryKind(t *testing.T) { settingtest.Allows[Settings](t, "Name", kinds) }
