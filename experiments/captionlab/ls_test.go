package main

import (
	"testing"
	"time"

	"github.com/captionlab/captionlab/experiments"
)

// Of a run that was killed nobody knows how long it went on.
func TestTook(t *testing.T) {
	now := time.Now()
	stages := []experiments.Stage{{Name: "data", Seconds: 2}}
	for _, test := range []struct {
		want string
		info experiments.RunInfo
	}{
		{"2s", experiments.RunInfo{Status: experiments.RunDone, Stages: stages}},
		{"2s", experiments.RunInfo{Status: experiments.RunFailed, Stages: stages, Finished: now}},
		{"–", experiments.RunInfo{Status: experiments.RunFailed, Stages: stages}},
		{"–", experiments.RunInfo{Status: experiments.RunFailed}},
		{"1m0s", experiments.RunInfo{Status: experiments.RunRunning, Started: now.Add(-time.Minute)}},
	} {
		if got := took(&experiments.RunFolder{RunInfo: test.info}, now); got != test.want {
			t.Errorf("%+v: %s, want %s", test.info, got, test.want)
		}
	}
}
