package captionfile

import (
	"fmt"
	"strings"
	"testing"
)

// TestCOCOReadsBack: what is written pairs as it was, and ids are integers whatever the data set's are.
func TestCOCOReadsBack(t *testing.T) {
	for _, c := range []struct {
		reason   string
		ids      []string
		results  string // how the file of results begins
		wantName string // the id of the last image
	}{
		{"COCO's own ids are kept", []string{"391895", "0"}, `[{"image_id":391895,"caption":"<a> & b"},{"image_id":0,`, "0"},
		{"the names of COCO's pictures hold their ids", []string{"COCO_val2014_000000391895.jpg", "000000000007.jpg"}, `[{"image_id":391895,`, "7"},
		{"file names are numbered", []string{"1000268201_693b08cb0e.jpg", "b.jpg"}, `[{"image_id":1,"caption":"<a> & b"},{"image_id":2,`, "2"},
		{"one id that is no number: all are numbered", []string{"7", "b"}, `[{"image_id":1,`, "2"},
		{"twice the same number in other digits", []string{"7", "007"}, `[{"image_id":1,`, "2"},
		{"an id that a float can't hold", []string{"7", "9007199254740993"}, `[{"image_id":1,`, "2"},
	} {
		pictures := []Captioned{{c.ids[0], "x.jpg", "<a> & b", []string{"one", "two \"🎉\"\n"}}, {c.ids[1], "y.jpg", "", []string{"three"}}}
		references, results, err := COCO(pictures)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(results), c.results) {
			t.Errorf("%s: results %s", c.reason, results)
		}
		r, err := readReferences(of(string(references)), "refs", Options{})
		if err != nil || r.Format != "COCO captions" {
			t.Fatalf("%s: %v, format %q", c.reason, err, r.Format)
		}
		s, err := readCandidates(of(string(results)), "cands")
		if err != nil || s.Format != "COCO results" {
			t.Fatalf("%s: %v, format %q", c.reason, err, s.Format)
		}
		pairs, err := Match(r, s)
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		for n, p := range pairs {
			if p.Candidate != pictures[n].Caption || fmt.Sprint(p.References) != fmt.Sprint(pictures[n].References) || r.Images[n].Names[1] != pictures[n].FileName {
				t.Errorf("%s: %+v, want %+v", c.reason, p, pictures[n])
			}
		}
		if id := pairs[1].ID; id != c.wantName {
			t.Errorf("%s: the last image is %s, want %s", c.reason, id, c.wantName)
		}
	}
}
