package captionfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
)

// Captioned is a picture with a system's caption and what people wrote.
type Captioned struct {
	ID         string // as the data set names it
	FileName   string
	Caption    string
	References []string
}

// COCO writes the two files that COCO's evaluation reads (Chen et al. 2015): results, [{"image_id", "caption"}], and
// the references of the same pictures in the form of captions_*.json. pycocotools' loadRes takes the first on the second.
//
// COCO's ids are integers. Where all pictures have such, by id or by names as COCO's own pictures have (000000391895.jpg,
// COCO_val2014_000000391895.jpg), they are kept; else pictures are numbered from 1 in their order, and the references'
// file_name says which is which.
func COCO(pictures []Captioned) (references, results []byte, err error) {
	type image struct {
		ID       int64  `json:"id"`
		FileName string `json:"file_name"`
	}
	type annotation struct {
		ID      int    `json:"id"`
		ImageID int64  `json:"image_id"`
		Caption string `json:"caption"`
	}
	type result struct {
		ImageID int64  `json:"image_id"`
		Caption string `json:"caption"`
	}
	whole := struct {
		Info        struct{}     `json:"info"`
		Licenses    []struct{}   `json:"licenses"`
		Type        string       `json:"type"`
		Images      []image      `json:"images"`
		Annotations []annotation `json:"annotations"`
	}{Type: "captions", Licenses: []struct{}{}, Images: []image{}, Annotations: []annotation{}} // the keys that COCO's have
	said := []result{}
	ids := numbers(pictures)
	for n, p := range pictures {
		whole.Images = append(whole.Images, image{ids[n], p.FileName})
		said = append(said, result{ids[n], p.Caption})
		for _, r := range p.References {
			whole.Annotations = append(whole.Annotations, annotation{len(whole.Annotations) + 1, ids[n], r})
		}
	}
	if references, err = plainJSON(whole); err == nil {
		results, err = plainJSON(said)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("COCO's files: %w", err)
	}
	return references, results, nil
}

// cocoName is the name of one of COCO's pictures, which holds its id.
var cocoName = regexp.MustCompile(`^(?:COCO_[a-z]+[0-9]{4}_)?([0-9]{12})\.jpg$`)

// numbers are the pictures' ids as integers.
func numbers(pictures []Captioned) []int64 {
	ids, seen := make([]int64, len(pictures)), map[int64]bool{}
	for n, p := range pictures {
		id, err := strconv.ParseInt(cocoName.ReplaceAllString(p.ID, "$1"), 10, 64)
		if err != nil || id < 0 || id > 1<<53 || seen[id] { // beyond 2^53 readers that take numbers for floats lose digits
			for n := range ids {
				ids[n] = int64(n) + 1
			}
			return ids
		}
		ids[n], seen[id] = id, true
	}
	return ids
}

// plainJSON keeps <, > and & readable.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}
