package runfolder_test

import (
	"maps"
	"testing"

	"github.com/captionlab/captionlab/internal/runfolder"
)

func TestFlat(t *testing.T) {
	got, err := runfolder.Flat("name = \"a \\\"b\\\"\"\n[data]\nratio = [0.8, 0.2]\nlimit = 5\n[data.emojigram]\nsize = 5.0\ndirt = 1e-7\n[decoding]\nsplits = [\"a\", \"b\"]\nfast = true\n")
	want := map[string]string{"name": `"a \"b\""`, "data.ratio": "[0.8, 0.2]", "data.limit": "5", "data.emojigram.size": "5.0", "data.emojigram.dirt": "1e-07",
		"decoding.splits": `["a", "b"]`, "decoding.fast": "true"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, error %v; want %v", got, err, want)
	}
	if _, err := runfolder.Flat("not toml"); err == nil {
		t.Error("what is not TOML gives no error")
	}
}
