package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gonum.org/v1/plot/vg"

	"github.com/captionlab/captionlab/internal/runfolder"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

var runName = regexp.MustCompile(`\d{8}T\d{6}\.\d{3}Z-sample-\w{8}`)

// TestMarkdownGolden pins every word and figure of report.md.
func TestMarkdownGolden(t *testing.T) {
	f := newFolder(t)
	if err := Write(f, sample(t)); err != nil {
		t.Fatal(err)
	}
	got := runName.ReplaceAllString(read(t, f.Path("report.md")), "RUN")
	golden := filepath.Join("testdata", "report.golden.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, golden), got); diff != "" {
		t.Errorf("report.md differs from %s; go test -update rewrites it (-want +got):\n%s", golden, diff)
	}
}

// variants are reports that must come out whole.
func variants(t *testing.T) map[string]Data {
	t.Helper()
	whole := sample(t)
	failed := Data{Epochs: whole.Epochs[:1]}
	failed.Info = whole.Info
	failed.Info.Status, failed.Info.Error = runfolder.Failed, `training: "loss" <is> not a number`
	diverged := sample(t)
	for n := range diverged.Epochs {
		if n > 3 {
			diverged.Epochs[n].TrainLoss, diverged.Epochs[n].ValidationLoss = math.Inf(1), math.NaN()
		}
	}
	lost := sample(t)
	for n := range lost.Epochs {
		lost.Epochs[n] = runfolder.Epoch{Epoch: n + 1, TrainLoss: math.NaN(), ValidationLoss: math.NaN(),
			ValidationNatsPerCharacter: math.NaN(), TrainAccuracy: math.NaN(), ValidationAccuracy: math.NaN()}
	}
	lost.Controls[0].Loss, lost.Controls[1].Loss = math.NaN(), math.NaN()
	noFloor := sample(t)
	noFloor.Floor, noFloor.Gallery = nil, nil
	gone := sample(t)
	gone.Gallery[0].Path = filepath.Join(t.TempDir(), "gone.jpg")
	badConfig := sample(t)
	badConfig.Resolved = "not = = toml <b>"
	return map[string]Data{
		"whole": whole, "empty": {}, "failed after one epoch": failed, "diverged at epoch 5": diverged,
		"never finite": lost, "no floor and no gallery": noFloor, "a picture is gone": gone, "config is not TOML": badConfig,
	}
}

func TestEveryVariantIsWhole(t *testing.T) {
	for name, d := range variants(t) {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			if err := Write(f, d); err != nil {
				t.Fatal(err)
			}
			page := read(t, f.Path("report.html"))
			checkPage(t, page)
			for _, text := range []string{page, read(t, f.Path("report.md"))} {
				for _, bad := range []string{"NaN", "Inf", "<no value>", "%!", "ZgotmplZ", "<nil>"} {
					if strings.Contains(text, bad) {
						t.Errorf("%q stands in the report", bad)
					}
				}
			}
			if len(d.Epochs) == 0 {
				return
			}
			for _, plot := range []string{"plots/loss", "plots/accuracy"} {
				checkPlot(t, f, plot, plotWidth, plotHeight)
			}
			if len(d.Confusions) > 0 {
				checkPlot(t, f, "plots/confusion_classes_teacher_forced", 400, 400)
			}
		})
	}
}

// checkPage parses the page and checks that it needs nothing from outside and can be read by everyone.
func checkPage(t *testing.T, page string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(page))
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	ids, open, level := map[string]bool{}, []string{}, 0
	var needsCaption bool
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if needsCaption && e.Name.Local != "caption" {
				t.Error("a table without a caption")
			}
			needsCaption = e.Name.Local == "table"
			attributes := map[string]string{}
			for _, a := range e.Attr {
				attributes[a.Name.Local] = a.Value
			}
			checkElement(t, e.Name.Local, attributes)
			if id, ok := attributes["id"]; ok {
				if ids[id] {
					t.Errorf("two elements with id %q", id)
				}
				ids[id] = true
			}
			if h := e.Name.Local; len(h) == 2 && h[0] == 'h' && h[1] >= '1' && h[1] <= '6' {
				if next := int(h[1] - '0'); next > level+1 {
					t.Errorf("heading %s follows level %d", h, level)
				} else {
					level = next
				}
			}
			open = append(open, e.Name.Local)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				t.Fatalf("</%s> closes %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
	for _, m := range regexp.MustCompile(`aria-labelledby="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		for _, id := range strings.Fields(m[1]) {
			if !ids[id] {
				t.Errorf("aria-labelledby names %q, which is not there", id)
			}
		}
	}
	if strings.Contains(page, "url(") || strings.Contains(page, "@import") {
		t.Error("the style sheet loads something")
	}
}

func checkElement(t *testing.T, name string, attributes map[string]string) {
	t.Helper()
	for _, key := range []string{"src", "href", "srcset", "data", "poster", "action"} {
		if v, ok := attributes[key]; ok && !strings.HasPrefix(v, "data:image/jpeg;base64,") {
			t.Errorf("<%s %s=%q>: the page must need nothing from outside", name, key, v)
		}
	}
	switch name {
	case "script", "link", "iframe", "object", "base":
		t.Errorf("<%s> in a page that needs none", name)
	case "img":
		if attributes["alt"] == "" {
			t.Error("a picture without alt text")
		}
	case "th":
		if attributes["scope"] == "" {
			t.Error("a table heading without scope")
		}
	case "svg":
		if attributes["role"] != "img" || attributes["aria-labelledby"] == "" {
			t.Error("a plot without a name for screen readers")
		}
	}
}

func checkPlot(t *testing.T, f *runfolder.Folder, name string, width, height vg.Length) {
	t.Helper()
	img, err := png.Decode(strings.NewReader(read(t, f.Path(name+".png"))))
	if err != nil {
		t.Fatal(err)
	}
	if want := image.Rect(0, 0, 2*int(width), 2*int(height)); img.Bounds() != want {
		t.Errorf("%s.png is %v, want %v", name, img.Bounds(), want)
	}
	if err := xml.Unmarshal([]byte(read(t, f.Path(name+".svg"))), new(struct{ XMLName xml.Name })); err != nil {
		t.Errorf("%s.svg: %v", name, err)
	}
}

func TestFloorIsDrawn(t *testing.T) {
	dashed := regexp.MustCompile(`<path [^>]*stroke:#007A5A[^>]*stroke-dasharray`)
	for _, c := range []struct {
		reason string
		floor  *Floor
		want   bool
	}{
		{"a known entropy is a labelled dashed line", &Floor{NatsPerToken: 0.62, NatsPerCharacter: 0.64}, true},
		{"photographs have no known entropy", nil, false},
		{"a floor that is no number can't be drawn", &Floor{NatsPerToken: math.NaN()}, false},
	} {
		d := sample(t)
		d.Floor = c.floor
		svg, _, err := lossChart(d).render(d.Epochs)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(svg, []byte(">entropy floor 0.620</text>")); got != c.want {
			t.Errorf("%s: label there: %v", c.reason, got)
		}
		if got := dashed.Match(svg); got != c.want {
			t.Errorf("%s: dashed line there: %v", c.reason, got)
		}
	}
}

// TestCaptionsAreText: what a model or a data set says is never markup.
func TestCaptionsAreText(t *testing.T) {
	f := newFolder(t)
	if err := Write(f, sample(t)); err != nil {
		t.Fatal(err)
	}
	page, text := read(t, f.Path("report.html")), read(t, f.Path("report.md"))
	for want, where := range map[string]string{
		"&lt;script&gt;alert(1)&lt;/script&gt;": page,
		"a 👩‍🚀 and a ⭐ on blue":                 page, // the zero-width joiner survives
		"an empty caption":                      page,
		"equals a reference":                    page,
		`\*not\* \_markup\_ \[x\](y)`:           text,
		`a \| b`:                                text,
	} {
		if !strings.Contains(where, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "<script") {
		t.Error("markup from a caption in report.md")
	}
}

// TestReadsTheFolder: what the caller leaves out comes from the run folder.
func TestReadsTheFolder(t *testing.T) {
	f := newFolder(t)
	for _, e := range sample(t).Epochs[:2] {
		if err := f.AppendEpoch(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(f, Data{}); err != nil {
		t.Fatal(err)
	}
	text := read(t, f.Path("report.md"))
	for _, want := range []string{"# sample\n", "Status: **running**", "Lowest of 2 epochs, at epoch 2.", "training.padding = \"masked\""} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
