package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// The kinds of scene, by which emoji a picture shows.
const (
	solo     = "solo"     // one
	pair     = "pair"     // two different ones, side by side or stacked
	twins    = "twins"    // the same twice
	triplets = "triplets" // the same three times
	crowd    = "crowd"    // the same twice, and another one
	trio     = "trio"     // three different ones in a row
)

var sceneShares = []struct {
	kind  string
	share float64
}{{solo, 0.44}, {pair, 0.26}, {twins, 0.08}, {triplets, 0.05}, {crowd, 0.07}, {trio, 0.10}}

// colors are the names that captions use, in HSL: hue in degrees and its jitter, saturation and lightness.
var colors = []struct {
	name                    string
	hue, jitter, saturation float64
	lightness               float64
}{
	{"red", 0, 4, 0.80, 0.47}, {"orange", 27, 4, 0.95, 0.55}, {"yellow", 52, 4, 0.95, 0.60},
	{"green", 128, 14, 0.55, 0.43}, {"blue", 216, 10, 0.80, 0.52}, {"purple", 273, 8, 0.60, 0.50},
	{"pink", 332, 7, 0.90, 0.77}, {"black", 0, 180, 0.10, 0.10}, {"white", 0, 180, 0.15, 0.95},
}

// patterns of the background, with the word that captions use.
var patterns = []struct{ name, word string }{
	{"plain", "wall"}, {"gradient", "glow"}, {"stripes", "stripes"}, {"checks", "checks"}, {"dots", "dots"}, {"clouds", "clouds"},
}

// scene is what a picture shows, and all that its captions can know of it.
type scene struct {
	Kind    string  `json:"kind"`
	Color   string  `json:"color"`
	Pattern string  `json:"pattern"`
	Size    string  `json:"size,omitempty"` // of a solo emoji: "tiny" or "huge"
	Stacked bool    `json:"stacked,omitempty"`
	Emoji   []thing `json:"emoji"` // from left to right, or from top to bottom when stacked

	colorAt, patternAt int
}

// thing is one emoji in a picture. X, Y (its centre) and Size are shares of the picture's side, Rotation is in
// degrees, Layer the order of drawing.
type thing struct {
	Char     string  `json:"char"`
	Name     string  `json:"name"`
	Group    string  `json:"group"`
	X        float64 `json:"x"`
	Y        float64 `json:"y"`
	Size     float64 `json:"size"`
	Rotation float64 `json:"rotation"`
	Layer    int     `json:"layer"`

	subject int // index into subjects
}

// random returns the generator of one purpose of one picture: pictures don't depend on how many there are, nor
// on what their captions draw.
func random(seed int64, picture int, purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(mix(uint64(seed)), mix(uint64(picture)<<8|purpose)))
}

const (
	forScene uint64 = iota
	forPaint
	forCaption // and up: one for each caption
)

// newScene draws picture number n of a seed.
func newScene(seed int64, n int) scene {
	r := random(seed, n, forScene)
	s := scene{colorAt: r.IntN(len(colors)), patternAt: r.IntN(len(patterns))}
	s.Color, s.Pattern = colors[s.colorAt].name, patterns[s.patternAt].name
	u := r.Float64()
	for _, k := range sceneShares {
		if s.Kind = k.kind; u < k.share {
			break
		}
		u -= k.share
	}
	who := r.Perm(len(subjects))
	switch s.Kind {
	case solo:
		who = who[:1]
	case pair:
		who = who[:2]
	case twins:
		who = []int{who[0], who[0]}
	case triplets:
		who = []int{who[0], who[0], who[0]}
	case crowd:
		who = []int{who[0], who[0], who[1]}
		r.Shuffle(3, func(a, b int) { who[a], who[b] = who[b], who[a] })
	case trio:
		who = who[:3]
	}
	s.place(r, who)
	return s
}

// place gives each emoji its place. Neighbours in a row (or a stack) keep their order plain to see, and no emoji
// covers more than about a third of another.
func (s *scene) place(r *rand.Rand, who []int) {
	between := func(low, high float64) float64 { return low + (high-low)*r.Float64() }
	layers := r.Perm(len(who))
	s.Stacked = len(who) == 2 && r.IntN(2) == 0
	s.Emoji = make([]thing, len(who))
	bend := between(-0.16, 0.16) // of a row of three
	for n, subject := range who {
		t := thing{subject: subject, Layer: layers[n], Rotation: between(-28, 28)}
		switch len(who) {
		case 1:
			s.Size = "tiny"
			t.Size = between(0.36, 0.46)
			if r.IntN(2) == 0 {
				s.Size, t.Size = "huge", between(0.64, 0.82)
			}
			room := 0.52 - t.Size/2
			t.X, t.Y = 0.5+between(-room, room), 0.5+between(-room, room)
		case 2:
			t.X, t.Y = 0.3+0.4*float64(n)+between(-0.05, 0.05), 0.5+between(-0.14, 0.14)
			if s.Stacked {
				t.X, t.Y = t.Y, t.X
			}
			t.Size = between(0.36, 0.52)
		case 3:
			t.X = 0.2 + 0.3*float64(n) + between(-0.03, 0.03)
			t.Y = 0.5 + bend*math.Cos(math.Pi*float64(n)) + between(-0.08, 0.08)
			t.Size = between(0.27, 0.38)
		}
		t.Char = subjects[subject].char
		t.Name, t.Group = emojiName(t.Char)
		t.X, t.Y, t.Size, t.Rotation = rounded(t.X), rounded(t.Y), rounded(t.Size), rounded(t.Rotation)
		s.Emoji[n] = t
	}
}

func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

// structure names all of a scene that captions can depend on.
func (s scene) structure() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %d %s %t", s.Kind, s.colorAt, s.patternAt, s.Size, s.Stacked)
	for _, t := range s.Emoji {
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(t.subject))
	}
	return b.String()
}

// objects are the scene's emoji with the names that captions have for them.
func (s scene) objects() []Object {
	all := make([]Object, len(s.Emoji))
	for n, t := range s.Emoji {
		subject := subjects[t.subject]
		all[n] = Object{Names: []string{subject.char, subject.noun, subject.plurals()}, X: t.X, Y: t.Y, Size: t.Size}
	}
	return all
}
