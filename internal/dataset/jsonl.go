package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// jsonl is one JSON object a line: image, caption or captions and, if you like, split. Emojigram's own file is one.
var jsonl = adapter{
	files:    "one .jsonl file",
	row:      `{"image": "a.jpg", "caption": "…"} or {"image": "a.jpg", "captions": ["…", "…"]}, with "split" if you like`,
	rank:     1,
	anywhere: true,
	pictures: []string{"images", "Images", "pictures", "img"},
	find: func(f *source) []string {
		if named := f.first("captions.jsonl"); named != nil {
			return named
		}
		return f.matching("", "*.jsonl")
	},
	begins: func(_ *source, name, head string) bool {
		return endsIn(name, ".jsonl", ".ndjson") && strings.HasPrefix(strings.TrimSpace(head), "{")
	},
	read: readJSONL,
}

type jsonlRow struct {
	Image    string   `json:"image"`
	Caption  *string  `json:"caption"`
	Captions []string `json:"captions"`
	Split    string   `json:"split"`
}

func readJSONL(ctx context.Context, f *source, name string, b *builder) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	text := newTextReader(ctx, file, name, f.Encoding, b.report)
	for l, ok := text.next(); ok; l, ok = text.next() {
		if blank(l.text) {
			continue
		}
		var r jsonlRow
		if err := json.Unmarshal([]byte(l.text), &r); err != nil {
			b.problem(name, l.number, "row left out: %s", jsonReason(err))
			continue
		}
		split, ok := splitOf(r.Split)
		if !ok {
			b.problem(name, l.number, "row left out: unknown split %.40q; known are train, validation and test", r.Split)
			continue
		}
		if r.Caption != nil {
			r.Captions = append([]string{*r.Caption}, r.Captions...)
		}
		if len(r.Captions) == 0 {
			b.problem(name, l.number, "row left out: it has neither caption nor captions")
		}
		image, also := typed(r.Image)
		for _, caption := range r.Captions {
			switch {
			case !strings.ContainsRune(caption, utf8.RuneError):
			case !utf8.ValidString(l.text):
				b.problem(name, l.number, "not UTF-8: bytes replaced in %.40q", caption)
			case text.coded && strings.ContainsRune(l.text, utf8.RuneError): // the line is reported already
			default:
				reportReplaced(b.report, name, l.number, caption)
			}
			b.add(row{file: name, line: l.number, image: image, also: also, text: caption, split: split})
		}
	}
	return text.failed()
}

func jsonReason(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return wrongType(wrong)
	}
	return "not valid JSON: " + err.Error()
}
