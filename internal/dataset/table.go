package dataset

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// table is how a format's separated files are read.
type table struct {
	bare    func(fields, next []string) (columns, bool)     // the columns of a file whose first row is no header, by its first two
	repair  func(fields []string) (fixed []string, ok bool) // of a row with too few fields
	place   func(image string) (name string, also []string)
	within  string // folder of the pictures' names
	once    bool   // a row that repeats another one is left out, caption number or not
	noSplit bool   // a column of that name means something else
}

// read adds the rows of a table. Its fields are separated by what separates those of the header.
func (t table) read(ctx context.Context, f *source, name string, b *builder) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	text := newTextReader(ctx, file, name, f.Encoding, b.report)
	first, ok := text.next()
	for ok && blank(first.text) {
		first, ok = text.next()
	}
	if !ok {
		if err := text.failed(); err != nil {
			return err
		}
		return fmt.Errorf("%s is empty", name)
	}
	comma := separator(first.text)
	text.unread([]line{first})
	rows := &csvReader{textReader: text, comma: comma, plain: comma == '|'}
	var cols columns
	wrapped, wrappedAt := 0, 0
	for begun := false; ; {
		r, ok := rows.read()
		if !ok {
			break
		}
		if whole, was := unwrapped(r, comma); was {
			if r = whole; wrapped == 0 {
				wrappedAt = r.line
			}
			wrapped++
		}
		if !begun {
			begun = true
			if cols, ok = header(r.fields); ok {
				for n, field := range r.fields {
					if n != cols.caption && columnName(field) == columnName(r.fields[cols.caption]) {
						b.problem(name, r.line, "column %d left out: column %d is named %s too, and a row has one caption", n+1, cols.caption+1, columnName(field))
					}
				}
				continue
			}
			if t.bare != nil {
				cols, ok = t.bare(r.fields, rows.peek())
			}
			if !ok {
				return fmt.Errorf("%s:%d: expected a header with the columns image and caption, got %.80q", name, r.line, r.whole)
			}
		}
		t.row(r, cols, comma, name, b)
	}
	if wrapped > 0 {
		b.problem(name, wrappedAt, "repaired: %d rows were quoted as a whole", wrapped)
	}
	return text.failed()
}

func (t table) row(r record, cols columns, comma byte, name string, b *builder) {
	if len(r.fields) < cols.count && t.repair != nil {
		if fixed, ok := t.repair(r.fields); ok {
			b.problem(name, r.line, "repaired: a separator is missing in %.60q", r.whole)
			r.fields = fixed
		}
	}
	if blank(r.whole) {
		return
	}
	fields, reason, ok := cols.arranged(r, comma)
	if !ok {
		b.problem(name, r.line, "row left out: %s", reason)
		return
	}
	if reason != "" {
		b.problem(name, r.line, "%s", reason)
	}
	out := row{file: name, line: r.line, image: strings.TrimSpace(fields[cols.image]), text: fields[cols.caption], within: t.within}
	if comma == '|' { // written with a space after it
		out.text = strings.TrimSpace(out.text)
	}
	if t.place != nil {
		out.image, out.also = t.place(out.image)
	}
	if cols.number >= 0 && cols.number < len(fields) {
		out.key = strings.TrimSpace(fields[cols.number])
	}
	if t.once {
		out.key = "once"
	}
	if cols.split >= 0 && !t.noSplit {
		if cols.split >= len(fields) {
			b.problem(name, r.line, "row left out: it names no split")
			return
		}
		split, ok := splitOf(fields[cols.split])
		if !ok {
			b.problem(name, r.line, "row left out: unknown split %.40q; known are train, validation and test", fields[cols.split])
			return
		}
		out.split = split
	}
	b.add(out)
}

// splitOf knows the names that data sets give to splits. An empty one is none.
func splitOf(name string) (split string, ok bool) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "":
		return "", true
	case "train", "training":
		return Train, true
	case "validation", "val", "valid", "dev", "development":
		return Validation, true
	case "test", "testing":
		return Test, true
	}
	return "", false
}

// typed gives the names under which the picture lies that a file names without its type, such as img/insta1.
func typed(image string) (name string, also []string) {
	if image == "" || IsPicture(image) {
		return image, nil
	}
	local, why := localName(image)
	if why != "" {
		return image, nil // which is refused with its reason
	}
	also = []string{local}
	for _, ending := range []string{".jpeg", ".png", ".JPG", ".webp"} {
		also = append(also, local+ending)
	}
	return local + ".jpg", also
}

// firstLine is the first line of a file's beginning that is not blank, without its end.
func firstLine(head string) string {
	for l := range strings.Lines(strings.ReplaceAll(head, "\r", "\n")) {
		if !blank(l) {
			return strings.TrimRight(l, "\n")
		}
	}
	return ""
}

// hasHeader reports whether a file begins with a table's header.
func hasHeader(head string) bool {
	first := firstLine(head)
	_, ok := header(strings.Split(strings.ReplaceAll(first, `"`, ""), string(separator(first))))
	return ok
}

func endsIn(name string, endings ...string) bool {
	return slices.Contains(endings, strings.ToLower(path.Ext(name)))
}
