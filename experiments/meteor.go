package experiments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"

	"github.com/captionlab/captionlab/internal/fetch"
	"github.com/captionlab/captionlab/internal/score"
)

// cocoCaption is coco-caption's repository at the commit whose METEOR is the one of pycocoevalcap's wheel, byte for byte.
const cocoCaption = "https://raw.githubusercontent.com/tylin/coco-caption/3a9afb2682141a03e1cdc02b0df6770d2c884f6f/pycocoevalcap/meteor/"

// meteorWheel is pycocoevalcap 1.2 of the Python index.
func meteorWheel(member string) *fetch.Wheel {
	return &fetch.Wheel{Package: "pycocoevalcap", Version: "1.2", Member: "pycocoevalcap/meteor/" + member,
		SHA256: "083ed7910f1aec000b0a237ef6665f74edf19954204d0b1cbdb8399ed132228d"}
}

// meteorFiles are METEOR 1.5's program and paraphrases (Denkowski & Lavie 2014, LGPL 2.1), and their folders below METEOR's.
var meteorFiles = []struct {
	folder string
	file   fetch.File
}{
	{"", fetch.File{
		Name: "meteor-1.5.jar", Size: 6318693, SHA256: "1e57b4c72c0830ebe68558f1c799a624e96cbc1b6045c9f6330e26dcff6eafc2",
		URLs: []string{cocoCaption + "meteor-1.5.jar"}, Wheel: meteorWheel("meteor-1.5.jar"),
	}},
	{"data", fetch.File{
		Name: "paraphrase-en.gz", Size: 61813011, SHA256: "c147ac7d2c91f2fbb3ad31e4b352235061eb83145e0434daf217ee9ca5975f48",
		URLs: []string{cocoCaption + "data/paraphrase-en.gz"}, Wheel: meteorWheel("data/paraphrase-en.gz"),
	}},
}

// meteorDir is where METEOR lies in a cache.
func meteorDir(cache string) string { return filepath.Join(cache, "meteor") }

// javaFound refuses to measure METEOR without Java.
func javaFound() error {
	if _, err := exec.LookPath("java"); err != nil {
		return errors.New("METEOR runs by its jar only, and no java is on the PATH")
	}
	return nil
}

// fetchMETEOR returns METEOR, and fetches its jar and paraphrases into the cache if they are not there. Without Java
// nothing is fetched.
func fetchMETEOR(ctx context.Context, cache string, log io.Writer) (*score.METEOR, error) {
	if err := javaFound(); err != nil {
		return nil, err
	}
	for _, f := range meteorFiles {
		if _, err := fetch.Ensure(ctx, filepath.Join(meteorDir(cache), f.folder), f.file, log); err != nil {
			return nil, fmt.Errorf("METEOR: %w", err)
		}
	}
	return score.FindMETEOR(meteorDir(cache))
}
