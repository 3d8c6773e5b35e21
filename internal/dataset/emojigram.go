package dataset

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"
)

// emojigramVersion changes whenever pictures or captions of a seed change.
const emojigramVersion = 1

// emojigramCaptions is the number of captions a picture, as Flickr8k has.
const emojigramCaptions = 5

// emojigramFile is the list of pictures and captions; it is written last, so a folder that has it is complete.
const emojigramFile = "captions.jsonl"

// emojigramRow is one line of captions.jsonl.
type emojigramRow struct {
	Image    string   `json:"image"`
	Captions []string `json:"captions"`
}

// loadEmojigram generates the data set, or finds it generated. Everything follows from the settings: the same
// seed gives the same bytes.
func loadEmojigram(ctx context.Context, s Settings, cacheDir string, log io.Writer) ([]Example, error) {
	dir := filepath.Join(cacheDir, "emojigram", emojigramFingerprint(s.Emojigram))
	rows, err := readEmojigram(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if log != nil {
			fmt.Fprintf(log, "drawing %d emojigram pictures\n", s.Emojigram.Images)
		}
		rows, err = drawEmojigram(ctx, s.Emojigram, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("emojigram: %w", err)
	}
	examples := make([]Example, len(rows))
	for n, row := range rows {
		examples[n] = Example{ID: row.Image, Path: filepath.Join(dir, row.Image)}
		for k, text := range row.Captions {
			examples[n].Captions = append(examples[n].Captions, Caption{Raw: text, Source: fmt.Sprintf("%s:%d (caption %d)", emojigramFile, n+1, k+1)})
		}
	}
	return examples, nil
}

func emojigramFingerprint(s EmojigramSettings) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d|%+v", emojigramVersion, s))
	return fmt.Sprintf("%x", sum[:6])
}

func readEmojigram(dir string) ([]emojigramRow, error) {
	file, err := os.Open(filepath.Join(dir, emojigramFile))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var rows []emojigramRow
	decoder := json.NewDecoder(bufio.NewReader(file))
	for {
		var row emojigramRow
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		rows = append(rows, row)
	}
}

// drawEmojigram draws on all cores. Pictures that a killed run drew are kept.
func drawEmojigram(ctx context.Context, s EmojigramSettings, dir string) ([]emojigramRow, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	font, err := loadEmoji()
	if err != nil {
		return nil, err
	}
	rows := make([]emojigramRow, s.Images)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for n := range rows {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			rows[n] = emojigramRow{Image: fmt.Sprintf("%05d.jpg", n)}
			scene := sceneOf(s, n)
			rng := captionRNG(s.Seed, n)
			for range emojigramCaptions {
				rows[n].Captions = append(rows[n].Captions, scene.caption(rng, s.Dirt))
			}
			path := filepath.Join(dir, rows[n].Image)
			if _, err := os.Stat(path); err == nil {
				return nil
			}
			var b bytes.Buffer
			if err := jpeg.Encode(&b, scene.draw(s.Size, font), &jpeg.Options{Quality: 92}); err != nil {
				return err
			}
			return renameio.WriteFile(path, b.Bytes(), 0o644)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, row := range rows {
		if err := encoder.Encode(row); err != nil {
			return nil, err
		}
	}
	return rows, renameio.WriteFile(filepath.Join(dir, emojigramFile), b.Bytes(), 0o644)
}

// sceneRNG and captionRNG are the random streams of picture n: what it shows, and what people say of it.
func sceneRNG(seed int64, n int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), uint64(2*n))) }
func captionRNG(seed int64, n int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), uint64(2*n+1)))
}
