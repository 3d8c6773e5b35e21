package dataset

import (
	"context"
	"path"
	"strings"
)

// instagram is the Kaggle set "Instagram images with captions" by prithvijaunjale: two halves, of which the second's
// CSV has no header; pictures are named without their type, img/insta1.
var instagram = adapter{
	files: "instagram_data/captions_csv.csv or instagram_data2/captions_csv2.csv",
	row:   "the fields Sr No, Image File, Caption",
	get: "download the Kaggle data set \"Instagram images with captions\" by prithvijaunjale (about 35,000 records, 4 GB) and unpack it there, " +
		"so that instagram_data and instagram_data2 lie in that folder",
	several:  true,
	pictures: []string{"instagram_data", "instagram_data2", "instagram_data/img", "instagram_data2/img2"},
	find: func(f *source) []string {
		return append(f.first("instagram_data/captions_csv.csv"), f.first("instagram_data2/captions_csv2.csv")...)
	},
	begins: func(_ *source, name, head string) bool {
		return strings.HasPrefix(name, "captions_csv") && strings.Contains(head, "img")
	},
	read: func(ctx context.Context, f *source, name string, b *builder) error {
		within := path.Dir(strings.ReplaceAll(name, `\`, "/"))
		if name == f.captions {
			within = "."
		} else if half := map[string]string{"instagram_data": "instagram_data2", "instagram_data2": "instagram_data"}[within]; len(f.matching(half, "captions_csv*.csv")) == 0 {
			b.problem(name, 0, "only half of the data set is there: %s has no captions", half)
		}
		return table{
			bare: func(fields, _ []string) (columns, bool) {
				return columns{image: 1, caption: 2, number: -1, split: -1, count: 3}, len(fields) >= 3
			},
			place: typed, within: within, once: true, noSplit: true,
		}.read(ctx, f, name, b)
	},
}
