package score

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/captionlab/captionlab/internal/ptb"
)

// CIDErD scores captions one by one against references that are counted once: cider_d as Measure has it, with the document
// frequencies of all these references. Training on a reward calls it for every caption that a model samples.
type CIDErD struct {
	documents map[string]float64 // images whose references have an n-gram
	logImages float64
	images    [][]vector // of each image's references
}

// vector is a caption's n-grams by order, with their weights. Sums follow the n-grams' order in the caption: those over a
// map would differ in their last digit from run to run.
type vector struct {
	grams   [maxOrder][]string
	weights [maxOrder]map[string]float64
	norms   [maxOrder]float64
	bigrams float64 // what cider_scorer.py takes for a length
}

// NewCIDErD counts the references of each image.
func NewCIDErD(references [][]string) (*CIDErD, error) {
	if len(references) == 0 {
		return nil, errors.New("cider_d: no references")
	}
	c := &CIDErD{documents: map[string]float64{}, logImages: math.Log(float64(len(references)))}
	var lines []string
	for n, texts := range references {
		if len(texts) == 0 {
			return nil, fmt.Errorf("cider_d: image %d has no references", n)
		}
		lines = append(lines, texts...)
	}
	cut := ptb.TokenizeLines(lines)
	at := 0
	for _, texts := range references {
		seen := map[string]bool{}
		for range texts {
			grams, _ := counted(cut[at])
			for _, ofOrder := range grams {
				for _, gram := range ofOrder {
					seen[gram] = true
				}
			}
			at++
		}
		for gram := range seen {
			c.documents[gram]++
		}
	}
	at = 0
	for _, texts := range references {
		var image []vector
		for range texts {
			image = append(image, c.vector(cut[at]))
			at++
		}
		c.images = append(c.images, image)
	}
	return c, nil
}

// Scores are those of captions of the images that are named by their number.
func (c *CIDErD) Scores(images []int, captions []string) []float64 {
	scores := make([]float64, len(captions))
	for n, tokens := range ptb.TokenizeLines(captions) {
		mine := c.vector(tokens)
		references := c.images[images[n]]
		for _, theirs := range references {
			scores[n] += mine.similarity(theirs)
		}
		scores[n] *= ciderScale / float64(maxOrder) / float64(len(references))
	}
	return scores
}

// counted are a caption's n-grams by order, each once, and how often they stand there. An n-gram's text tells its order, as
// words hold no space.
func counted(tokens []string) (grams [maxOrder][]string, counts [maxOrder]map[string]float64) {
	words := strings.FieldsFunc(strings.Join(tokens, " "), space)
	for order := range maxOrder {
		counts[order] = map[string]float64{}
		for n := 0; n+order < len(words); n++ {
			gram := strings.Join(words[n:n+order+1], " ")
			if counts[order][gram]++; counts[order][gram] == 1 {
				grams[order] = append(grams[order], gram)
			}
		}
	}
	return grams, counts
}

func (c *CIDErD) vector(tokens []string) (v vector) {
	v.grams, v.weights = counted(tokens)
	for order, grams := range v.grams {
		for _, gram := range grams {
			count := v.weights[order][gram]
			w := count * (c.logImages - math.Log(math.Max(1, c.documents[gram])))
			v.weights[order][gram] = w
			v.norms[order] += w * w
			if order == 1 {
				v.bigrams += count
			}
		}
		v.norms[order] = math.Sqrt(v.norms[order])
	}
	return v
}

func (v vector) similarity(o vector) (sum float64) {
	for order, grams := range v.grams {
		product := 0.
		for _, gram := range grams {
			w, r := v.weights[order][gram], o.weights[order][gram]
			product += min(w, r) * r
		}
		if v.norms[order] != 0 && o.norms[order] != 0 {
			product /= v.norms[order] * o.norms[order]
		}
		sum += product
	}
	d := v.bigrams - o.bigrams
	return sum * math.Exp(-d*d/(2*ciderSigma*ciderSigma))
}
