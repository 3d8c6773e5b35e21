package runfolder

import (
	"encoding/json"
	"fmt"
	"os"
)

// Split is split.json: which pictures are in which split. It serves later runs as data.split_file.
type Split struct {
	Hash   string              `json:"hash"`   // of the data set
	Splits map[string][]string `json:"splits"` // IDs of pictures by the split's name, in the split's order
}

// ReadSplit reads split.json; the error is fs.ErrNotExist where there is none.
func (f *Folder) ReadSplit() (s Split, err error) {
	path := f.Path(SplitFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
