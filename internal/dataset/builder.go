package dataset

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// row is one caption of one picture, as a file has it.
type row struct {
	file   string
	line   int
	label  string // what names it in a file that may be all one line, such as annotations[3]; "": its line does
	image  string // the picture's name, as the file has it
	id     string // what names the picture in the data set; "": the image's name
	text   string
	key    string // the caption's own number; rows of one picture with equal key and text are one. "": they are not
	split  string // of the file; "": none
	also   []string
	within string // folder, below which the image's name starts
}

// builder makes examples of the rows of a format's files, and finds their pictures.
type builder struct {
	loaded
	places [][]string     // of each example: the names under which its picture may lie
	splits []string       // of each example: the split that the files give it
	at     map[string]int // id -> example
	seen   map[rowKey]int // line
	lists  []listed       // official lists, of formats that have them in files of their own
	order  []int          // examples in the order of the lists

	manifest map[string]string // address -> picture, of Conceptual Captions
}

type rowKey struct {
	example   int
	key, text string
}

// listed is one list of a split's pictures.
type listed struct {
	split, file string
	names       []line
}

func newBuilder() *builder {
	return &builder{at: map[string]int{}, seen: map[rowKey]int{}}
}

func (b *builder) problem(file string, line int, format string, args ...any) {
	b.problems = append(b.problems, Problem{file, line, fmt.Sprintf(format, args...)})
}

func (b *builder) report(p Problem) { b.problems = append(b.problems, p) }

// add takes one row, or reports why not. What it keeps are copies: a part of a line would keep the whole line in memory,
// such as one with a long address.
func (b *builder) add(r row) {
	leftOut := func(format string, args ...any) {
		reason := fmt.Sprintf(format, args...)
		if r.label != "" {
			reason = r.label + ": " + reason
		}
		b.problem(r.file, r.line, "row left out: %s", reason)
	}
	name, why := localName(r.image)
	if why != "" {
		leftOut("%s", why)
		return
	}
	if len(r.text) > maxCaption {
		leftOut("a caption of %d bytes; at most %d are read", len(r.text), maxCaption)
		return
	}
	id := r.id
	if id == "" {
		id = name
	}
	place := path.Join(r.within, name)
	n, known := b.at[id]
	if known && b.places[n][0] != place { // another folder's picture of the same name
		id = place
		n, known = b.at[id]
	}
	if !known {
		n = len(b.examples)
		id, place = strings.Clone(id), strings.Clone(place)
		b.at[id] = n
		b.examples = append(b.examples, Example{ID: id})
		places := []string{place}
		for _, other := range r.also {
			places = append(places, path.Join(r.within, other))
		}
		b.places, b.splits = append(b.places, places), append(b.splits, r.split)
	} else if b.splits[n] != r.split {
		leftOut("%s is in %s, here in %s; a picture is in one split", id, orNone(b.splits[n]), orNone(r.split))
		return
	}
	r.text = strings.Clone(r.text)
	if r.key != "" {
		key := rowKey{n, strings.Clone(r.key), r.text}
		if first, twice := b.seen[key]; twice {
			if r.label != "" { // the line may be the whole file
				leftOut("%s has the same caption already, of line %d", id, first)
			} else {
				leftOut("the same as line %d", first)
			}
			return
		}
		b.seen[key] = r.line
	}
	e := &b.examples[n]
	e.Captions = append(e.Captions, Caption{Raw: r.text, Source: r.file + ":" + strconv.Itoa(r.line)})
}

func orNone(split string) string {
	if split == "" {
		return "no split"
	}
	return "the " + split + " split"
}

// numbered is a picture's name with the number that downloads give to a second file of one name.
var numbered = regexp.MustCompile(`^(.+\.[A-Za-z]+)\.[0-9]+$`)

// joinNames makes one picture of two names: of name.jpg.1 and name.jpg, where only the second is a file or neither.
func (b *builder) joinNames(g *gallery) {
	var kept []int
	for n, e := range b.examples {
		m := numbered.FindStringSubmatch(e.ID)
		if m == nil {
			kept = append(kept, n)
			continue
		}
		into, named := b.at[m[1]]
		own, _ := g.find(b.places[n]...)
		plain, _ := g.find(m[1])
		switch {
		case own != "" || !named && plain == "":
			kept = append(kept, n)
			continue
		case !named: // the picture lies under the plain name, which no row has
			b.examples[n].ID, b.places[n], b.at[m[1]] = m[1], []string{m[1]}, n
			kept = append(kept, n)
		case into > n: // in the order of the file
			b.examples[into].Captions = slices.Concat(e.Captions, b.examples[into].Captions)
		default:
			b.examples[into].Captions = append(b.examples[into].Captions, e.Captions...)
		}
		for _, c := range e.Captions {
			b.report(problemAt(c.Source, fmt.Sprintf("repaired: %s is %s", e.ID, m[1])))
		}
	}
	b.keep(kept)
}

// keep drops the examples that are not named.
func (b *builder) keep(kept []int) {
	examples, places, splits := make([]Example, len(kept)), make([][]string, len(kept)), make([]string, len(kept))
	b.at = make(map[string]int, len(kept))
	for n, from := range kept {
		examples[n], places[n], splits[n] = b.examples[from], b.places[from], b.splits[from]
		b.at[examples[n].ID] = n
	}
	b.examples, b.places, b.splits = examples, places, splits
}

// assign gives the examples the splits of the official lists.
func (b *builder) assign() {
	for _, list := range b.lists {
		for _, name := range list.names {
			n, ok := b.at[strings.TrimSpace(name.text)]
			switch {
			case !ok:
				b.problem(list.file, name.number, "left out: there is no caption of %s", name.text)
			case b.splits[n] != "":
				b.problem(list.file, name.number, "%s left out: it is in the %s split already", name.text, b.splits[n])
			default:
				b.splits[n] = list.split
				b.order = append(b.order, n)
			}
		}
	}
}

// find gives the examples their picture files and leaves out those without; official says that the splits of the
// files are asked for. A split without any picture is left out as a whole, which is one problem, not a thousand.
func (b *builder) find(ctx context.Context, g *gallery, official bool) error {
	why := make([]string, len(b.examples)) // the picture is not there; "": it is
	paths := make([]string, len(b.examples))
	for n := range b.examples {
		paths[n], why[n] = g.find(b.places[n]...)
	}
	bytes, err := sizes(ctx, paths)
	if err != nil {
		return err
	}
	var kept []int
	joined := map[int]bool{}                          // examples that are another one's file
	owner := map[string]int{}                         // path -> example
	all, absent := map[string]int{}, map[string]int{} // pictures by split
	for n := range b.examples {
		if why[n] == "" && bytes[n] <= 0 { // as broken downloads leave it
			why[n] = fmt.Sprintf("the picture %s is empty", b.examples[n].ID)
		}
		all[b.splits[n]]++
		if why[n] != "" {
			absent[b.splits[n]]++
			continue
		}
		if first, twice := owner[paths[n]]; twice {
			b.sameFile(first, n)
			all[b.splits[n]]--
			joined[n] = true
			continue
		}
		owner[paths[n]] = n
		b.examples[n].Path = paths[n]
		b.sizes = append(b.sizes, bytes[n])
		kept = append(kept, n)
	}
	if len(kept) == 0 {
		return fmt.Errorf("none of the pictures that the captions name (%d) is there: %s%s", len(b.examples), why[0], g.hint())
	}
	var whole []Problem
	for _, split := range splitNames {
		if official && absent[split] > 0 && absent[split] == all[split] {
			whole = append(whole, Problem{Reason: fmt.Sprintf("official %s split: %d of %d pictures are missing; split left out", split, absent[split], all[split])})
		}
	}
	b.problems = append(whole, b.problems...)
	for n, e := range b.examples {
		if why[n] != "" && !(official && absent[b.splits[n]] == all[b.splits[n]] && b.splits[n] != "") {
			b.report(problemAt(e.Captions[0].Source, "left out: "+why[n]))
		}
	}
	for n := range joined {
		why[n] = "joined with another"
	}
	if official {
		b.takeSplits(why, all[""]-absent[""])
	}
	b.keep(kept)
	return nil
}

// sameFile gives the captions of an example to the one that has its picture under another name, unless their splits
// differ: then they are left out.
func (b *builder) sameFile(first, second int) {
	to, from := &b.examples[first], b.examples[second]
	if b.splits[first] != b.splits[second] {
		b.report(problemAt(from.Captions[0].Source, fmt.Sprintf("left out: %s, in %s, is the file of %s, in %s", from.ID, orNone(b.splits[second]), to.ID, orNone(b.splits[first]))))
		return
	}
	b.report(problemAt(from.Captions[0].Source, fmt.Sprintf("repaired: %s is the file of %s", from.ID, to.ID)))
	to.Captions = append(to.Captions, from.Captions...)
}

// takeSplits makes the official splits, in the order of the lists, else of the examples.
func (b *builder) takeSplits(why []string, unused int) {
	if b.lists == nil {
		for n := range b.examples {
			b.order = append(b.order, n)
		}
	}
	for _, n := range b.order {
		if split := b.splits[n]; split != "" && why[n] == "" {
			if b.official == nil {
				b.official = map[string][]string{}
			}
			b.official[split] = append(b.official[split], b.examples[n].ID)
		}
	}
	if unused > 0 && b.official != nil {
		source := b.examples[0].Captions[0].Source
		b.problem(source[:strings.LastIndexByte(source, ':')], 0, "%s in no official split and not used", picturesAre(unused))
	}
}

// unusedSplits reports the splits of the captions' own files, of data whose split is drawn anew. One alone is none.
func (b *builder) unusedSplits() {
	count := map[string]int{}
	for _, split := range b.splits {
		count[split]++
	}
	var parts []string
	for _, split := range splitNames {
		if count[split] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", split, count[split]))
		}
	}
	if len(parts) > 1 {
		said := fmt.Sprintf("the files give splits (%s), which are not used; data.split = \"official\" takes them", strings.Join(parts, ", "))
		b.problems = slices.Insert(b.problems, 0, Problem{Reason: said}) // where many rows have remarks, too
	}
}

func picturesAre(n int) string {
	if n == 1 {
		return "1 picture is"
	}
	return fmt.Sprintf("%d pictures are", n)
}
