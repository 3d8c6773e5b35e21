package score

import (
	"fmt"
	"math"
	"testing"
)

// TestCIDErDIsMeasures: the captions one by one score what Measure, which equals pycocoevalcap, gives them.
func TestCIDErDIsMeasures(t *testing.T) {
	var images []Image
	var references [][]string
	var captions []string
	for n, c := range []struct {
		caption    string
		references []string
	}{
		{"a dog runs in the snow", []string{"A black dog is running in the snow .", "a dog runs, runs and runs"}},
		{"", []string{"two men on a bench"}},
		{"two men sit on a bench on a bench", []string{"Two men sit on a bench.", "a bench", "men!"}},
		{"words that nobody said", []string{"a girl eats a bubble", "the snow"}},
		{"a bench", []string{"a bench"}},
	} {
		images = append(images, Image{ID: fmt.Sprint(n), Candidate: c.caption, References: c.references})
		references, captions = append(references, c.references), append(captions, c.caption)
	}
	want, err := Measure(t.Context(), images, Options{Metrics: []string{"cider_d"}})
	if err != nil {
		t.Fatal(err)
	}
	reward, err := NewCIDErD(references)
	if err != nil {
		t.Fatal(err)
	}
	metric, _ := want.Get("cider_d")
	for n, got := range reward.Scores([]int{0, 1, 2, 3, 4}, captions) {
		if math.Abs(got-metric.Images[n]) > 1e-9 {
			t.Errorf("caption %d: %v, Measure has %v", n, got, metric.Images[n])
		}
	}
	if metric.Images[0] == 0 || metric.Images[2] == 0 {
		t.Error("the scores are zero: nothing was compared")
	}
	if _, err := NewCIDErD([][]string{{"a"}, nil}); err == nil {
		t.Error("an image without references was taken")
	}
}
