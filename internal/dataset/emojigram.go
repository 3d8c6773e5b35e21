package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"
)

// emojigramVersion is part of the cache's fingerprint: raise it when pictures or captions change.
const emojigramVersion = 3

// emojigramCaptions is the file of captions, written last, beside the folder images.
const emojigramCaptions = "captions.jsonl"

// emojigramRow is a line of emojigramCaptions.
type emojigramRow struct {
	Image    string   `json:"image"`
	Captions []string `json:"captions"`
	Scene    scene    `json:"scene"`
}

// loadEmojigram makes the built-in data set, or takes it from the cache: square pictures of one to three emoji on
// a coloured background, as JPEG, and five captions for each. Equal settings give equal pictures and captions.
//
// Captions are lower case. Cleaned with the defaults they have 8 to about 60 characters, 31 on average, and are made
// of the letters a to z, space, the signs !'+,-.:=?… and emoji, of which ❤️ and 🙌🏽 have two code points. The five of
// a picture are drawn independently: about 9 % of all captions repeat another one of their picture.
//
// A run that was killed is continued: pictures that are there whole are kept.
func loadEmojigram(ctx context.Context, s Settings, cacheDir string, log io.Writer) ([]Example, error) {
	e := s.Emojigram
	key := sha256.Sum256(fmt.Appendf(nil, "emojigram %d: %d pictures of %d, seed %d, dirt %g", emojigramVersion, e.Images, e.Size, e.Seed, e.Dirt))
	folder := filepath.Join(cacheDir, "emojigram", fmt.Sprintf("%x", key[:8]))
	images := filepath.Join(folder, "images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		return nil, fmt.Errorf("emojigram: %w", err)
	}
	examples, scenes := make([]Example, e.Images), make([]scene, e.Images)
	var rows bytes.Buffer
	encode := json.NewEncoder(&rows)
	encode.SetEscapeHTML(false)
	var missing []int
	for n := range examples {
		scenes[n] = newScene(e.Seed, n)
		row := emojigramRow{Image: fmt.Sprintf("%05d.jpg", n), Scene: scenes[n]}
		examples[n] = Example{ID: row.Image, Path: filepath.Join(images, row.Image), Objects: scenes[n].objects()}
		for k := range captionsPerPicture {
			raw := scenes[n].caption(random(e.Seed, n, forCaption+uint64(k)), e.Dirt)
			row.Captions = append(row.Captions, raw)
			examples[n].Captions = append(examples[n].Captions, Caption{Raw: raw, Source: fmt.Sprintf("%s:%d", emojigramCaptions, n+1)})
		}
		if err := encode.Encode(row); err != nil {
			return nil, fmt.Errorf("emojigram: %w", err)
		}
		if !wholeJPEG(examples[n].Path) {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		if err := paintAll(ctx, e, scenes, examples, missing, log); err != nil {
			return nil, fmt.Errorf("emojigram: %w", err)
		}
	}
	path := filepath.Join(folder, emojigramCaptions)
	if there, err := os.ReadFile(path); err != nil || !bytes.Equal(there, rows.Bytes()) {
		if err := renameio.WriteFile(path, rows.Bytes(), 0o644); err != nil {
			return nil, fmt.Errorf("emojigram: %w", err)
		}
	}
	return examples, nil
}

// paintAll paints and writes the missing pictures on all cores.
func paintAll(ctx context.Context, e EmojigramSettings, scenes []scene, examples []Example, missing []int, log io.Writer) error {
	if log == nil {
		log = io.Discard
	}
	start := time.Now()
	fmt.Fprintf(log, "emojigram: painting %d of %d pictures\n", len(missing), e.Images)
	glyphs, err := loadGlyphs()
	if err != nil {
		return err
	}
	var done atomic.Int64
	stop := every(10*time.Second, func() { fmt.Fprintf(log, "emojigram: %d of %d pictures\n", done.Load(), len(missing)) })
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, n := range missing {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			var file bytes.Buffer
			img := scenes[n].paint(random(e.Seed, n, forPaint), glyphs, e.Size)
			if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: 92}); err != nil {
				return err
			}
			done.Add(1)
			return renameio.WriteFile(examples[n].Path, file.Bytes(), 0o644)
		})
	}
	err = group.Wait()
	stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "emojigram: painted %d pictures in %.1f s\n", len(missing), time.Since(start).Seconds())
	return nil
}

// every calls f at intervals until it is stopped; then no call is under way.
func every(interval time.Duration, f func()) (stop func()) {
	ticker, ended, stopped := time.NewTicker(interval), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ticker.C:
				f()
			case <-ended:
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(ended); <-stopped }
}

// wholeJPEG reports whether a file begins and ends as a JPEG does.
func wholeJPEG(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	var head, tail [2]byte
	if _, err := io.ReadFull(file, head[:]); err != nil {
		return false
	}
	if at, err := file.Seek(-2, io.SeekEnd); err != nil || at < 2 {
		return false
	}
	if _, err := io.ReadFull(file, tail[:]); err != nil {
		return false
	}
	return head == [2]byte{0xff, 0xd8} && tail == [2]byte{0xff, 0xd9}
}
