package score

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
)

func TestDiversity(t *testing.T) {
	training := NewTraining(slices.Values([]string{
		"A dog runs .", "a dog runs", "a dog sits", "a cat runs", "a cat sits", "A dog , a cat", // a 7, dog 4, cat 3, runs 3, sits 2
		"dog", "the cat", "the cat", "the bird sits", // dog 5, cat 5, the 3, bird 1, sits 3: frequent are a, dog and cat
	}))
	for _, c := range []struct {
		reason   string
		captions []string
		want     Diversity
	}{
		{"nothing", nil, Diversity{}},
		{"one caption for all, a copy but for case and punctuation", []string{"a dog runs", "A dog runs!", "a dog runs ."}, Diversity{3, 1, 2.0 / 3, 1, 0, 3}},
		{"new captions; a rare word is no vocabulary", []string{"a bird runs", "a cat runs fast"}, Diversity{2, 2, 2.0 / 3, 0, 0, 3.5}},
		{"three words in a row twice, and two in a row", []string{"a dog and a dog and a dog", "a dog a dog"}, Diversity{2, 2, 2.0 / 3, 0, 0.5, 6}},
		{"empty ones", []string{"", " "}, Diversity{2, 1, 0, 0, 0, 0}},
	} {
		if got := training.Diversity(c.captions); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.reason, got, c.want)
		}
	}
}

func TestCollapsed(t *testing.T) {
	people := Diversity{Captions: 1000, Distinct: 990, Vocabulary: 0.5, Copied: 0.02, Repeating: 0.01, Words: 10}
	for _, c := range []struct {
		reason string
		model  Diversity
		want   string // a part of each warning
	}{
		{"a good model on Flickr8k", Diversity{1000, 600, 0.12, 0.13, 0.01, 9}, ""},
		{"one caption for all", Diversity{1000, 1, 0.002, 1, 0, 9}, "only 1 of 1000 captions|0.2 % of the training vocabulary|100.0 % of the captions are training captions"},
		{"going in circles", Diversity{1000, 900, 0.2, 0, 0.5, 30}, "50.0 % of the captions say three words|too long"},
		{"nothing said", Diversity{1000, 1, 0, 0, 0, 0}, "only 1|0.0 %|too short"},
		{"no captions", Diversity{}, ""},
		{"people", people, ""},
	} {
		got := Collapsed(c.model, people)
		var want []string
		if c.want != "" {
			want = strings.Split(c.want, "|")
		}
		if len(got) != len(want) {
			t.Errorf("%s: %q, want %q", c.reason, got, want)
			continue
		}
		for n := range want {
			if !strings.Contains(got[n], want[n]) {
				t.Errorf("%s: %q does not say %q", c.reason, got[n], want[n])
			}
		}
	}
}

// TestPeopleDoNotCollapse: on the real Flickr8k, captions of the test pictures pass no threshold against other people's of
// the same pictures, and Tanti et al.'s vocabulary is theirs but for the tokenization.
func TestPeopleDoNotCollapse(t *testing.T) {
	folder := flickr8ktest.Need(t)
	rows, err := os.ReadFile(filepath.Join(folder, "Flickr8k.token.txt"))
	if err != nil {
		t.Fatal(err)
	}
	captions := map[string][]string{}
	for row := range strings.Lines(string(rows)) {
		key, text, _ := strings.Cut(strings.TrimSuffix(row, "\n"), "\t")
		id := key[:strings.LastIndexByte(key, '#')]
		captions[id] = append(captions[id], text)
	}
	of := func(list string) (of [5][]string) {
		data, err := os.ReadFile(filepath.Join(folder, list))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range strings.Fields(string(data)) {
			for n := range of {
				of[n] = append(of[n], captions[id][n])
			}
		}
		return of
	}
	train, test := of("Flickr_8k.trainImages.txt"), of("Flickr_8k.testImages.txt")
	training := NewTraining(slices.Values(slices.Concat(train[:]...)))
	if training.frequent < 2450 || training.frequent > 2650 {
		t.Errorf("%d frequent words; Tanti et al. have 2,539", training.frequent)
	}
	first, second := training.Diversity(test[0]), training.Diversity(test[1])
	t.Log(fmt.Sprintf("%+v", first))
	if w := append(Collapsed(first, second), Collapsed(second, first)...); len(w) > 0 {
		t.Errorf("people collapse: %q", w)
	}
}
