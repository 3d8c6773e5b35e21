package dataset

import (
	"context"
	"fmt"
	"path"
	"strings"
)

// karpathy is the JSON of Karpathy & Fei-Fei (2015) for Flickr8k, Flickr30k and COCO, with the splits that most
// papers report on. Captions are its raw sentences: its tokens have lost case and punctuation.
var karpathy = adapter{
	files: "dataset_flickr8k.json, dataset_flickr30k.json or dataset_coco.json",
	row:   "images[] with filename, split and sentences[] with raw",
	get: "download caption_datasets.zip from cs.stanford.edu/people/karpathy/deepimagesent, unpack one of its files beside the pictures, and name " +
		"their folder by data.root=FOLDER (make: DATA=FOLDER)",
	pictures: []string{"images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "flickr30k-images", "flickr30k_images", "train2014", "val2014"},
	find:     func(f *source) []string { return f.matching("", "dataset_*.json") },
	begins: func(_ *source, name, head string) bool {
		return endsIn(name, ".json") && strings.HasPrefix(strings.TrimSpace(head), "{") &&
			(strings.Contains(head, `"sentids"`) || strings.Contains(head, `"sentences"`))
	},
	read: readKarpathy,
}

// karpathyImage is one element of images.
type karpathyImage struct {
	Filename  string `json:"filename"`
	Filepath  string `json:"filepath"` // COCO only: train2014 or val2014
	Split     string `json:"split"`
	Sentences []struct {
		Raw    *string  `json:"raw"`
		Tokens []string `json:"tokens"`
		SentID cocoID   `json:"sentid"`
	} `json:"sentences"`
}

func readKarpathy(ctx context.Context, f *source, name string, b *builder) error {
	j, err := openJSON(ctx, f, name, b.report)
	if err != nil {
		return err
	}
	defer j.file.Close()
	dropped := 0
	err = j.whole("an object with images", func(key string) error {
		if key != "images" {
			return j.skip()
		}
		return j.array("an array of images", func(n int) error {
			var image karpathyImage
			if ok, err := j.element(&image, fmt.Sprintf("images[%d]", n)); !ok {
				return err
			}
			if addKarpathy(j, n, image, f.Restval, b) {
				dropped++
			}
			return nil
		})
	})
	if dropped > 0 {
		b.problem(name, 0, "%s of the restval split and left out (data.restval = \"drop\")", picturesAre(dropped))
	}
	return err
}

// addKarpathy adds a picture's captions, or reports that it was dropped as the settings say.
func addKarpathy(j *jsonReader, n int, image karpathyImage, restval string, b *builder) (dropped bool) {
	line := j.line()
	split, known := splitOf(image.Split)
	if image.Split == "restval" {
		if restval == "drop" {
			return true
		}
		split, known = restval, true
	}
	if !known {
		b.problem(j.name, line, "left out: images[%d] is in the unknown split %.40q", n, image.Split)
		return false
	}
	out := row{file: j.name, line: line, image: image.Filename, split: split}
	if image.Filepath != "" { // file names are unique without it, and what others know a picture by
		out.id = image.Filename
		out.image, out.also = path.Join(image.Filepath, image.Filename), []string{image.Filename}
	}
	if len(image.Sentences) == 0 {
		b.problem(j.name, line, "left out: images[%d] (%s) has no sentence", n, image.Filename)
	}
	for k, sentence := range image.Sentences {
		switch {
		case sentence.Raw != nil:
			out.text = *sentence.Raw
		case len(sentence.Tokens) > 0:
			out.text = strings.Join(sentence.Tokens, " ")
			b.problem(j.name, line, "repaired: images[%d].sentences[%d] has no raw text; its tokens are taken", n, k)
		default:
			b.problem(j.name, line, "left out: images[%d].sentences[%d] has no text", n, k)
			continue
		}
		out.key, out.label = string(sentence.SentID), fmt.Sprintf("images[%d].sentences[%d]", n, k)
		out.text = j.oneLine(j.checked(out.text), out.label)
		b.add(out)
	}
	return false
}

// oneLine repairs a caption with line breaks in it, as coco-caption does.
func (j *jsonReader) oneLine(text, what string) string {
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	j.report(Problem{j.name, j.line(), "repaired: line breaks in the caption of " + what})
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
}
