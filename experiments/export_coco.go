package experiments

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/captionlab/captionlab/internal/captionfile"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// cocoFiles are the names of a split's two files, which COCO's evaluation reads.
func cocoFiles(split string) (references, results string) {
	return "coco/captions_" + split + ".json", "coco/captions_" + split + "_results.json"
}

// writeCOCO writes a split's captions as COCO results, and the references that they are scored against beside them.
func writeCOCO(f *runfolder.Folder, split string, predictions []Prediction) error {
	references, results, err := captionfile.COCO(captionedPictures(predictions))
	if err != nil {
		return err
	}
	toReferences, toResults := cocoFiles(split)
	return errors.Join(f.WriteFile(toReferences, references), f.WriteFile(toResults, results))
}

// captionedPictures are predictions as package captionfile takes them.
func captionedPictures(predictions []Prediction) []captionfile.Captioned {
	pictures := make([]captionfile.Captioned, len(predictions))
	for n, p := range predictions {
		references, _ := p.Scored()
		pictures[n] = captionfile.Captioned{ID: p.ImageID, FileName: p.ImageID, Caption: p.Caption, References: references}
		if _, err := strconv.ParseInt(p.ImageID, 10, 64); err == nil { // the id says nothing of the file
			pictures[n].FileName = filepath.Base(p.Path)
		}
	}
	return pictures
}

// ExportCOCO writes the COCO files of every captioned split of a run that an earlier version made, and returns their paths.
func ExportCOCO(r *RunFolder) (paths []string, err error) {
	unlock, err := r.folder.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, split := range []string{dataset.Validation, dataset.Test, dataset.Train} {
		predictions, err := r.Predictions(split)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = writeCOCO(r.folder, split, predictions)
		}
		if err != nil {
			return nil, err
		}
		references, results := cocoFiles(split)
		paths = append(paths, r.folder.Path(references), r.folder.Path(results))
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has captioned no split yet", r.Dir)
	}
	return paths, nil
}
