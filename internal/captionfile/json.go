package captionfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// imageID is a number or a string; 42, 42.0 and "42" are the same.
type imageID struct{ name string }

// UnmarshalJSON implements json.Unmarshaler.
func (id *imageID) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text[0] == '"' {
		if err := unquote(data, &id.name); err != nil {
			return err
		}
		if id.name == "" {
			return errors.New("an empty image id")
		}
		return nil
	}
	if whole, zeros, dot := strings.Cut(text, "."); dot && strings.Trim(zeros, "0") == "" {
		text = whole // as tables of numbers with gaps are written
	}
	if !digits(strings.TrimPrefix(text, "-")) {
		return fmt.Errorf("an image id that is %.40s; expected an integer or a string", data)
	}
	id.name = text
	return nil
}

// caption is a string that must be there.
type caption struct {
	value string
	set   bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *caption) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		return fmt.Errorf("expected a string, got %.40s", data)
	}
	c.set = true
	return unquote(data, &c.value)
}

// sentence is one of a list of captions.
type sentence string

// UnmarshalJSON implements json.Unmarshaler.
func (s *sentence) UnmarshalJSON(data []byte) error { return unquote(data, (*string)(s)) }

// escapes are JSON's; the group is half a surrogate pair.
var escapes = regexp.MustCompile(`\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)`)

// unquote decodes a string. Half a surrogate pair is an error, as bytes that are not UTF-8 are: the decoder would replace
// it silently.
func unquote(data []byte, into *string) error {
	if data[0] == '"' && bytes.IndexByte(data, '\\') < 0 { // nearly all are as they stand: the checker knows them to be UTF-8
		*into = string(data[1 : len(data)-1])
		return nil
	}
	err := json.Unmarshal(data, into)
	if err != nil || !strings.ContainsRune(*into, utf8.RuneError) {
		return err
	}
	for _, escape := range escapes.FindAllSubmatch(data, -1) {
		if half := escape[1]; half != nil {
			return fmt.Errorf(`\%s is half a surrogate pair; expected whole characters`, half)
		}
	}
	return nil
}

// record is an object of an image's captions, of COCO results and of JSON lines, and one of COCO's annotations.
type record struct {
	ImageID  imageID     `json:"image_id"`
	Caption  caption     `json:"caption"`
	Captions []*sentence `json:"captions"` // nil where not given
	at       int64
}

// picture is an image of COCO's and Karpathy's lists.
type picture struct {
	ID        imageID `json:"id"`
	FileName  caption `json:"file_name"`
	Name      caption `json:"filename"`
	ImgID     imageID `json:"imgid"`
	COCOID    imageID `json:"cocoid"`
	Split     caption `json:"split"`
	Sentences []struct {
		Raw caption `json:"raw"`
	} `json:"sentences"`
	at int64
}

// document is what a file of JSON holds.
type document struct {
	array    bool // one array of records
	whole    bool // one object with images or annotations
	karpathy bool
	records  []record // of COCO captions: the annotations
	images   []picture
	file     *source
	decoder  *json.Decoder
}

// readJSON reads one array, one object, or objects one after the other, piece by piece.
func readJSON(s *source) (*document, error) {
	d := &document{file: s, decoder: json.NewDecoder(s)}
	for objects := 0; ; objects++ {
		at := d.at()
		token, err := d.decoder.Token()
		if errors.Is(err, io.EOF) && (objects > 0 || d.array) {
			return d, nil
		}
		if err != nil {
			return nil, d.failed(d.at(), err)
		}
		switch {
		case d.array || d.whole:
			return nil, s.errorf(at, "something after the end of the JSON: %v", shown(token))
		case token == json.Delim('[') && objects == 0:
			d.array = true
			err = d.list(&d.records)
		case token == json.Delim('{'):
			err = d.object(at)
		default:
			return nil, s.errorf(at, "%v; expected an object of an image's captions", shown(token))
		}
		if err != nil {
			return nil, err
		}
	}
}

// at is the byte behind what was read last.
func (d *document) at() int64 { return d.file.start + d.decoder.InputOffset() }

// failed says what is wrong with the JSON, in words that know nothing of Go. The place is the object's, which decoding
// has passed where its JSON is sound, else where decoding stopped.
func (d *document) failed(at int64, err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case d.file.check.bad:
	case errors.As(err, &wrong) && wrong.Field == "":
		err = fmt.Errorf("%s; expected an object of an image's captions", article(wrong.Value))
	case errors.As(err, &wrong):
		err = fmt.Errorf("%s: %s is not expected here", wrong.Field, article(wrong.Value))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at, err = d.at(), errors.New("the JSON ends in the middle")
	case errors.As(err, &syntax):
		at = d.at()
	}
	return d.file.failed(at, err)
}

// article is a type of JSON's with its article.
func article(what string) string {
	if strings.HasPrefix(what, "array") || strings.HasPrefix(what, "object") {
		return "an " + what
	}
	return "a " + what
}

// shown is a token as JSON has it where Go has another word.
func shown(token json.Token) json.Token {
	if token == nil {
		return "null"
	}
	return token
}

// list reads the rest of an array of records or of pictures.
func (d *document) list(into any) error {
	for n := 0; d.decoder.More(); n++ {
		at := d.at()
		if n > 0 {
			at++ // the comma, which may stand on the line before
		}
		var err error
		switch into := into.(type) {
		case *[]record:
			r := record{at: at}
			if err = d.decoder.Decode(&r); err == nil {
				err = r.check()
				*into = append(*into, r)
			}
		case *[]picture:
			p := picture{at: at}
			if err = d.decoder.Decode(&p); err == nil {
				d.karpathy = d.karpathy || p.Sentences != nil
				*into = append(*into, p)
			}
		}
		if err != nil {
			return d.failed(at, err)
		}
	}
	if _, err := d.decoder.Token(); err != nil {
		return d.failed(d.at(), err)
	}
	return nil
}

func (r record) check() error {
	if r.ImageID.name == "" {
		return errors.New(`no "image_id"`)
	}
	if slices.Contains(r.Captions, nil) {
		return errors.New("captions: expected strings, got null")
	}
	if r.Captions != nil && len(r.Captions) == 0 {
		return errors.New("captions: expected at least one")
	}
	return nil
}

// object reads the rest of an object: a record, or the whole file with its lists.
func (d *document) object(at int64) error {
	r, isRecord := record{at: at}, false
	for d.decoder.More() {
		token, err := d.decoder.Token()
		if err != nil {
			return d.failed(d.at(), err)
		}
		key, _ := token.(string)
		here := d.at()
		var into any
		switch key {
		case "images", "annotations":
			d.whole = true
			open, err := d.decoder.Token()
			if err != nil {
				return d.failed(d.at(), err)
			}
			if open != json.Delim('[') {
				return d.file.errorf(here, "%s: expected a list, got %v", key, shown(open))
			}
			if key == "images" {
				err = d.list(&d.images)
			} else {
				err = d.list(&d.records)
			}
			if err != nil {
				return err
			}
			continue
		case "image_id":
			into, isRecord = &r.ImageID, true
		case "caption":
			into = &r.Caption
		case "captions":
			into = &r.Captions
		default:
			into = new(json.RawMessage)
		}
		if err := d.decoder.Decode(into); err != nil {
			var wrong *json.UnmarshalTypeError
			if errors.As(err, &wrong) {
				err = fmt.Errorf("%s: %s is not expected here", key, article(wrong.Value))
			}
			return d.failed(here, err)
		}
	}
	if _, err := d.decoder.Token(); err != nil {
		return d.failed(d.at(), err)
	}
	if d.whole && !isRecord {
		return nil
	}
	if err := r.check(); err != nil {
		return d.file.errorf(at, "%v", err)
	}
	d.records = append(d.records, r)
	return nil
}

// takeCOCO groups COCO's annotations by their image, in the order of the images.
func (f *File) takeCOCO(d *document) error {
	f.schemes = []string{"id", "file_name"}
	at := map[string]int{}
	for _, p := range d.images {
		if p.ID.name == "" {
			return d.file.errorf(p.at, `an image without "id"`)
		}
		if _, ok := at[p.ID.name]; ok {
			return d.file.errorf(p.at, "image id %q stands twice among the images", p.ID.name)
		}
		at[p.ID.name] = len(f.Images)
		f.Images = append(f.Images, Image{Names: []string{p.ID.name, p.FileName.value}, at: p.at})
	}
	for _, r := range d.records {
		if !r.Caption.set {
			return d.file.errorf(r.at, `an annotation without "caption"`)
		}
		n, ok := at[r.ImageID.name]
		if !ok {
			n = len(f.Images)
			at[r.ImageID.name] = n
			f.Images = append(f.Images, Image{Names: []string{r.ImageID.name, ""}, at: r.at})
		}
		f.Images[n].Captions = append(f.Images[n].Captions, r.Caption.value)
	}
	f.dropUncaptioned()
	return nil
}

// takeKarpathy takes the images of one split, with their captions as people wrote them.
func (f *File) takeKarpathy(d *document, split string) error {
	wanted := split
	switch split {
	case "":
		wanted = "test"
	case "validation":
		wanted = "val" // as these files call it
	}
	for _, p := range d.images {
		if p.Split.value != wanted && wanted != "all" {
			continue
		}
		image := Image{Names: []string{p.Name.value, p.COCOID.name, p.ImgID.name}, at: p.at}
		f.schemes = []string{"filename", "cocoid", "imgid"}
		if p.COCOID.name != "" { // as results on COCO are written
			image.Names = []string{p.COCOID.name, p.Name.value, p.ImgID.name}
			f.schemes = []string{"cocoid", "filename", "imgid"}
		}
		if image.Names[0] == "" {
			return d.file.errorf(p.at, `an image without "filename"`)
		}
		for _, s := range p.Sentences {
			if !s.Raw.set {
				return d.file.errorf(p.at, `image %q has a sentence without "raw", its text before tokenization`, image.Names[0])
			}
			image.Captions = append(image.Captions, s.Raw.value)
		}
		f.Images = append(f.Images, image)
	}
	if f.dropUncaptioned(); len(f.Images) == 0 {
		return fmt.Errorf("%s: no captions in split %q; the file has %s", d.file.path, wanted, splitList(d.images))
	}
	return nil
}

// dropUncaptioned sets images apart that nobody described.
func (f *File) dropUncaptioned() {
	kept := f.Images[:0]
	for _, image := range f.Images {
		if len(image.Captions) > 0 {
			kept = append(kept, image)
		} else {
			f.uncaptioned = append(f.uncaptioned, image)
		}
	}
	f.Images = kept
}
