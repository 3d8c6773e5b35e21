package dataset

import (
	"context"
	"strings"
)

// csvFormat is a table of image,caption[,split] of one's own, with a header or without: commas, semicolons, tabs or bars.
var csvFormat = adapter{
	files:    "one .csv or .tsv file",
	row:      "the columns image, caption and, if you like, split",
	rank:     1,
	anywhere: true,
	pictures: []string{"images", "Images", "pictures", "img"},
	find: func(f *source) []string {
		if named := f.first("captions.csv", "captions.tsv"); named != nil {
			return named
		}
		return append(f.matching("", "*.csv"), f.matching("", "*.tsv")...)
	},
	begins: func(_ *source, name, head string) bool {
		if !endsIn(name, ".csv", ".tsv", ".txt") {
			return false
		}
		first := firstLine(head)
		fields, _ := splitCSV(first, separator(first), closed)
		_, ok := bareTable(fields, nil)
		return ok || hasHeader(head)
	},
	read: func(ctx context.Context, f *source, name string, b *builder) error {
		return table{bare: bareTable, place: typed}.read(ctx, f, name, b)
	},
}

// bareTable takes image,caption[,split] without a header: its first row names a picture. A split's name behind a blank
// may end a caption ("he waits, train"): then the next row must have one too.
func bareTable(fields, next []string) (columns, bool) {
	c := columns{image: 0, caption: 1, number: -1, split: -1, count: 2}
	if endsInSplit(fields) && (!strings.HasPrefix(fields[2], " ") || endsInSplit(next)) {
		c.split, c.count = 2, 3
	}
	return c, len(fields) >= 2 && IsPicture(strings.TrimSpace(fields[0]))
}

func endsInSplit(fields []string) bool {
	if len(fields) != 3 {
		return false
	}
	split, ok := splitOf(fields[2])
	return ok && split != ""
}
