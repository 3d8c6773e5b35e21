package dataset

import (
	"regexp"
	"strings"
)

// flickr30k is Flickr30k (Young, Lai, Hodosh & Hockenmaier 2014): the token file, or Kaggle's table. It has no official
// split; the usual one is in Karpathy's dataset_flickr30k.json.
var flickr30k = adapter{
	files: "results_20130124.token or results.csv",
	row:   "name.jpg#k<TAB>caption, or a table with the header image_name| comment_number| comment",
	get: "get Flickr30k from its authors (results_20130124.token and the folder flickr30k-images) or from Kaggle (results.csv and the folder " +
		"flickr30k_images), and name the folder that holds both by data.root=FOLDER (make: DATA=FOLDER)",
	pictures: []string{"flickr30k-images", "flickr30k_images", "flickr30k_images/flickr30k_images", "flickr30k-images/flickr30k-images",
		"images", "Images"},
	twoNames: true,
	find: func(f *source) []string {
		return f.first("results_20130124.token", "results.csv", "flickr30k_images/results.csv", "flickr30k/results_20130124.token")
	},
	begins: func(_ *source, name, head string) bool {
		_, _, ok := tokenRow(firstLine(head))
		return ok && strings.HasPrefix(name, "results_") || strings.Contains(firstLine(head), "|") && hasHeader(head)
	},
	read: readFlickr,
}

// bare is a number and a caption that no bar separates, as in row 19999 of Kaggle's results.csv.
var numberAndCaption = regexp.MustCompile(`^\s*(\d+)\s+(\S.*)$`)

func missingBar(fields []string) ([]string, bool) {
	if len(fields) != 2 {
		return nil, false
	}
	m := numberAndCaption.FindStringSubmatch(fields[1])
	if m == nil {
		return nil, false
	}
	return []string{fields[0], m[1], m[2]}, true
}
