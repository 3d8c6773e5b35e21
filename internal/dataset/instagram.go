package dataset

import (
	"fmt"
	"os"
	"path/filepath"
)

// instagramFiles are what the Kaggle set "Instagram images with captions" holds, below data.root.
var instagramFiles = []string{
	"instagram_data/captions_csv.csv", "instagram_data/img",
	"instagram_data2/captions_csv2.csv", "instagram_data2/img2",
}

// instagramUnread is the error of format "instagram", whose adapter comes with a later release: what to download
// and where to put it, or that it is there and can't be read yet.
func instagramUnread(s Settings) error {
	for _, name := range instagramFiles {
		if _, err := os.Stat(filepath.Join(s.Root, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("data.root %s has no %s: download the Kaggle data set \"Instagram images with captions\" by prithvijaunjale "+
				"(about 35,000 records, 4 GB) and unpack it there, so that instagram_data and instagram_data2 lie in that folder", s.Root, name)
		}
	}
	return fmt.Errorf("data.root %s holds the Instagram data set, which this release can't read yet: its adapter comes with a later one", s.Root)
}
