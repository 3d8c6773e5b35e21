package experiments_test

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

// TestCaptionerPictureByPicture: a captioner that is asked again and again says the same of files and of the images in them, keeps the
// features of files alone, and doesn't look for the cache again. After Close each call is an error.
func TestCaptionerPictureByPicture(t *testing.T) {
	config, _ := crashFolder(t, crashData(t))
	r, err := experiments.Run(t.Context(), config, []string{"encoder.name=cnn", "encoder.size=16", "encoder.blocks=2", "encoder.channels=4", "encoder.layer=block2_pool", "encoder.normalize=none", "training.epochs=1",
		"training.checkpoint_minutes=0", "evaluation.controls=[]", "decoding.splits=validation", "runtime.tensorboard=false",
		"encoder.pooling=none", "decoder.name=attention", "decoder.attention_units=8", "evaluation.retrieval=0"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	c, err := experiments.OpenCaptioner(ctx, r.Dir, []string{"decoding.method=beam"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	var paths []string
	var images []image.Image
	for n := range 3 {
		img := image.NewNRGBA(image.Rect(0, 0, 40, 30))
		for at := range 40 * 30 {
			img.SetNRGBA(at%40, at/40, color.NRGBA{uint8(80 * n), uint8(6 * (at % 40)), uint8(8 * (at / 40)), uint8(255 - 50*n)})
		}
		path := filepath.Join(t.TempDir(), "new.png")
		file, err := os.Create(path)
		if err == nil {
			err = png.Encode(file, img)
		}
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		paths, images = append(paths, path), append(images, img)
	}
	found, err := filepath.Glob(filepath.Join(filepath.Dir(config), "cache", "features", "*", "rows.bin"))
	if err != nil || len(found) != 1 {
		t.Fatalf("rows.bin: %v (error %v)", found, err)
	}
	rows := func() int64 {
		info, err := os.Stat(found[0])
		if err != nil {
			t.Fatal(err)
		}
		return info.Size() / (32 + 16*16*3*4 + 4)
	}
	said, err := c.CaptionImages(ctx, images...)
	if err != nil || len(said) != 3 || rows() != 30 {
		t.Fatalf("of 3 images %d captions (error %v); %d pictures in the cache, want the run's 30", len(said), err, rows())
	}
	for n, path := range paths {
		one, err := c.Caption(ctx, path)
		if err != nil || len(one) != 1 || one[0].Path != path || rows() != int64(31+n) {
			t.Fatalf("%s: %+v (error %v), %d pictures in the cache", path, one, err, rows())
		}
		one[0].Path = ""
		if !reflect.DeepEqual(one[0], said[n]) || len(one[0].Others) == 0 {
			t.Errorf("of a file %+v, of its image %+v", one[0], said[n])
		}
		if n == 0 { // what a captioner has open it doesn't open again
			if err := os.WriteFile(filepath.Join(filepath.Dir(found[0]), "meta.json"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	features, err := c.Features(ctx, paths...)
	if shape := c.FeatureShape(); err != nil || !slices.Equal(shape, []int{4, 4, 8}) || len(features) != 3 || len(features[2]) != 4*4*8 {
		t.Errorf("%d rows of features of the shape %v (error %v)", len(features), shape, err)
	}
	if next, err := c.Next(ctx, paths[0], "", "colour", "l"); err != nil || len(next) != 3 || len(next[2]) < 10 {
		t.Errorf("%d distributions (error %v)", len(next), err)
	}

	c.Close()
	c.Close()
	calls := map[string]func() error{
		"Features":      func() error { _, err := c.Features(ctx, paths...); return err },
		"Caption":       func() error { _, err := c.Caption(ctx, paths...); return err },
		"CaptionImages": func() error { _, err := c.CaptionImages(ctx, images...); return err },
		"Attend":        func() error { _, err := c.Attend(ctx, paths...); return err },
		"Next":          func() error { _, err := c.Next(ctx, paths[0], ""); return err },
	}
	for name, call := range calls {
		if err := call(); err == nil || !strings.Contains(err.Error(), "the captioner is closed") {
			t.Errorf("%s after Close: error %v", name, err)
		}
	}
	// The last checkpoint serves training alone.
	if err := os.WriteFile(filepath.Join(r.Dir, "checkpoints", "last"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	best, err := experiments.OpenCaptioner(ctx, r.Dir, nil, experiments.Options{})
	if err != nil {
		t.Fatalf("without a last checkpoint: %v", err)
	}
	best.Close()
	if err := os.Remove(filepath.Join(r.Dir, "vocab.json")); err != nil {
		t.Fatal(err)
	}
	if c, err := experiments.OpenCaptioner(ctx, r.Dir, nil, experiments.Options{}); err == nil || c != nil {
		t.Errorf("without a vocabulary: captioner %v, error %v", c, err)
	}
}
