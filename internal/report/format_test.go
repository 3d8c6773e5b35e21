package report

import (
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		want    string
		reason  string
	}{
		{0.04, "0.0 s", "short"},
		{59.94, "59.9 s", "the last value below a minute"},
		{59.96, "1 min 0 s", "never 60.0 s"},
		{3599.6, "1 h 0 min", "never 60 min"},
		{4500, "1 h 15 min", "two units"},
	} {
		if got := duration(c.seconds); got != c.want {
			t.Errorf("%s: duration(%v) = %q, want %q", c.reason, c.seconds, got, c.want)
		}
	}
}

func TestSigned(t *testing.T) {
	for x, want := range map[float64]string{0.5: "+0.500", -0.5: "−0.500", 0: "+0.000"} {
		if got := signed(x, 3); got != want {
			t.Errorf("signed(%v) = %q, want %q", x, got, want)
		}
	}
}

func TestTicks(t *testing.T) {
	labels := func(ticks []plot.Tick) string {
		var s []string
		for _, tick := range ticks {
			s = append(s, tick.Label)
		}
		return strings.Join(s, " ")
	}
	for _, c := range []struct {
		low, high float64
		want      string
		reason    string
	}{
		{0.5, 1.5, "1", "a single epoch"},
		{1, 3, "1 2 3", "whole epochs only"},
		{1, 20, "2 4 6 8 10 12 14 16 18 20", "every second"},
		{1, 150, "1 20 40 60 80 100 120 140", "the paper's 150 epochs"},
	} {
		if got := labels(epochTicks(c.low, c.high)); got != c.want {
			t.Errorf("%s: epochs %v to %v: %q, want %q", c.reason, c.low, c.high, got, c.want)
		}
	}
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0.4, 2.6, "0.5 1.0 1.5 2.0 2.5"},
		{0, 100, "0 20 40 60 80 100"},
		{0.301, 0.312, "0.302 0.304 0.306 0.308 0.310 0.312"},
		{0, 0, ""},
	} {
		if got := labels(valueTicks(c.low, c.high)); got != c.want {
			t.Errorf("values %v to %v: %q, want %q", c.low, c.high, got, c.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		model, zeroed float64
		want          string
	}{
		{0.7, 1.05, "rises by 0.350 nats a token (50 %): the model uses the picture"},
		{0.7, 0.704, "ignores the picture"},
		{0.7, 0.6, "the features mislead"},
	} {
		got := verdict([]Control{{Name: "model", Loss: c.model}, {Name: "zeroed", Loss: c.zeroed}})
		if !strings.Contains(got, c.want) {
			t.Errorf("%v against %v: %q", c.model, c.zeroed, got)
		}
	}
	if got := verdict(nil); got != "" {
		t.Errorf("without controls: %q", got)
	}
}
