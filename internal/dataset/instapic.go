package dataset

import (
	"context"
	"fmt"
	"strings"
)

// instapic is InstaPIC-1.1M (Park, Kim & Kim 2017) as attend2u has it: captions by user and post, pictures named
// user_@_post. Its two test sets differ in their users, and none is for validation: use a split by ratio or file.
var instapic = adapter{
	files:    "insta-caption-*.json, there or in json or caption_dataset",
	row:      "{user: {post: {caption, tags}}}",
	get:      "its archive of pictures is gone from its site; with a copy, lay the JSON files beside the folder images and name their folder by data.root=FOLDER",
	several:  true,
	pictures: []string{"images", "Images"},
	find: func(f *source) (found []string) {
		for _, below := range []string{"", "json", "caption_dataset"} {
			found = append(found, f.matching(below, "insta-caption-*.json")...)
		}
		return found
	},
	begins: func(_ *source, name, head string) bool {
		return endsIn(name, ".json") && strings.HasPrefix(strings.TrimSpace(head), "{") && !strings.Contains(head, `"images"`) &&
			!strings.Contains(head, `"annotations"`) && strings.Contains(head, `"caption"`)
	},
	read: readInstapic,
}

type instapicPost struct {
	Caption *string `json:"caption"`
}

func readInstapic(ctx context.Context, f *source, name string, b *builder) error {
	j, err := openJSON(ctx, f, name, b.report)
	if err != nil {
		return err
	}
	defer j.file.Close()
	return j.whole("an object of users", func(user string) error {
		return j.object("an object of the user's posts", func(post string) error {
			var p instapicPost
			label := fmt.Sprintf("post %.40q of %.40q", post, user)
			if ok, err := j.element(&p, label); !ok {
				return err
			}
			if p.Caption == nil {
				b.problem(name, j.line(), "left out: %s has no caption", label)
				return nil
			}
			if strings.ContainsAny(user+post, `/\`) { // it would be a folder
				b.problem(name, j.line(), "left out: %s can't name a picture", label)
				return nil
			}
			image, also := typed(user + "_@_" + post)
			b.add(row{file: name, line: j.line(), label: label, image: image, also: also, text: j.checked(*p.Caption), key: "once"})
			return nil
		})
	})
}
