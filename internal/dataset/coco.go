package dataset

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// coco is COCO's captions (Chen et al. 2015), of 2014 or 2017: the files of train and val together, whose names give
// the official split, or one file that data.captions names.
var coco = adapter{
	files: "captions_*.json, there or in annotations",
	row:   "images[] with id and file_name, annotations[] with image_id and caption",
	get: "download COCO's annotations and pictures from cocodataset.org, unpack them into one folder (annotations, train2014, val2014), and name it " +
		"by data.root=FOLDER (make: DATA=FOLDER)",
	several: true,
	pictures: []string{"train2014", "val2014", "train2017", "val2017", "images/train2014", "images/val2014", "images/train2017", "images/val2017",
		"images", "Images"},
	find: cocoFiles,
	begins: func(_ *source, name, head string) bool {
		return endsIn(name, ".json") && strings.HasPrefix(strings.TrimSpace(head), "{") && !strings.Contains(head, `"sentids"`) &&
			(strings.HasPrefix(name, "captions_") || strings.Contains(head, `"annotations"`) || strings.Contains(head, `"file_name"`))
	},
	read: readCOCO,
}

type cocoImage struct {
	ID       cocoID `json:"id"`
	FileName string `json:"file_name"`
}

type cocoCaption struct {
	ID      cocoID  `json:"id"`
	ImageID cocoID  `json:"image_id"`
	Caption *string `json:"caption"`
	line, n int
}

// cocoID is a number or a string, "" where there is none; 42, "42" and 42.0, as tables with gaps are written, are the same.
type cocoID string

// UnmarshalJSON implements json.Unmarshaler.
func (id *cocoID) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, (*string)(id))
	case '{', '[', 't', 'f':
		return &json.UnmarshalTypeError{Value: "value that is no id", Type: reflect.TypeFor[cocoID]()}
	case 'n':
		return nil
	}
	whole, zeros, dot := strings.Cut(string(data), ".")
	if dot && strings.Trim(zeros, "0") != "" {
		whole = string(data)
	}
	*id = cocoID(whole)
	return nil
}

// readCOCO takes images and annotations in either order.
func readCOCO(ctx context.Context, f *source, name string, b *builder) error {
	if year := cocoYears(f); len(year) > 1 && f.captions == "" {
		return fmt.Errorf("data.root: %s has captions of %s, which are of the same pictures: name one file by data.captions", f.dir, strings.Join(year, " and "))
	}
	j, err := openJSON(ctx, f, name, b.report)
	if err != nil {
		return err
	}
	defer j.file.Close()
	files := map[cocoID]cocoImage{}
	used := map[cocoID]bool{}
	var order []cocoID
	var early []cocoCaption // captions that came before the images
	split := cocoSplit(name)
	add := func(c cocoCaption) {
		image, ok := files[c.ImageID]
		if !ok {
			b.problem(name, c.line, "left out: annotations[%d]: there is no image %s", c.n, c.ImageID)
			return
		}
		used[c.ImageID] = true
		b.add(row{file: name, line: c.line, label: fmt.Sprintf("annotations[%d]", c.n), image: image.FileName, text: *c.Caption, key: string(c.ID), split: split})
	}
	whole := false
	err = j.whole("an object with images and annotations", func(key string) error {
		switch key {
		case "images":
			whole = true
			return j.array("an array of images", func(n int) error {
				var image cocoImage
				if ok, err := j.element(&image, fmt.Sprintf("images[%d]", n)); !ok {
					return err
				}
				if image.ID == "" || image.FileName == "" {
					b.problem(name, j.line(), "left out: images[%d] has no id or no file_name", n)
					return nil
				}
				if _, twice := files[image.ID]; twice {
					b.problem(name, j.line(), "left out: images[%d]: the id %s is there already", n, image.ID)
					return nil
				}
				files[image.ID] = image
				order = append(order, image.ID)
				return nil
			})
		case "annotations":
			return j.array("an array of annotations", func(n int) error {
				var c cocoCaption
				if ok, err := j.element(&c, fmt.Sprintf("annotations[%d]", n)); !ok {
					return err
				}
				if c.line, c.n = j.line(), n; c.ImageID == "" || c.Caption == nil {
					b.problem(name, c.line, "left out: annotations[%d] has no image_id or no caption", n)
					return nil
				}
				*c.Caption = j.oneLine(j.checked(*c.Caption), fmt.Sprintf("annotations[%d]", n))
				if whole {
					add(c)
				} else {
					early = append(early, c)
				}
				return nil
			})
		}
		return j.skip()
	})
	if err != nil {
		return err
	}
	for _, c := range early {
		add(c)
	}
	for _, id := range order {
		if !used[id] {
			b.problem(name, 0, "left out: image %s (%s) has no caption", id, files[id].FileName)
		}
	}
	return nil
}

// cocoSplit is the split that a file's name gives: captions_train2014.json.
func cocoSplit(name string) string {
	_, rest, _ := strings.Cut(strings.ToLower(name[strings.LastIndexAny(name, `/\`)+1:]), "captions_")
	for _, split := range []string{"train", "val", "test"} {
		if strings.HasPrefix(rest, split) {
			named, _ := splitOf(split)
			return named
		}
	}
	return ""
}

// cocoYears are the years of the files in a folder: their pictures overlap.
func cocoYears(f *source) (years []string) {
	for _, name := range cocoFiles(f) {
		for _, year := range []string{"2014", "2017"} {
			if strings.Contains(name, year) && !slices.Contains(years, year) {
				years = append(years, year)
			}
		}
	}
	return years
}

func cocoFiles(f *source) []string {
	return append(f.matching("", "captions_*.json"), f.matching("annotations", "captions_*.json")...)
}
