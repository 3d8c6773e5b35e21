package fetch

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
)

// watchEvery is how often a download says how far it is.
const watchEvery = 10 * time.Second

// watch says what is being fetched, then how far it is every ten seconds, until stop is called.
func watch(log io.Writer, name string, total int64, size func() int64) (stop func()) {
	of := ""
	if total > 0 {
		of = " of " + humanize.Bytes(uint64(total))
		fmt.Fprintf(log, "fetching %s (%s) ...\n", name, humanize.Bytes(uint64(total)))
	} else {
		fmt.Fprintf(log, "fetching %s ...\n", name)
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if n := size(); n > 0 {
					fmt.Fprintf(log, "fetching %s: %s%s\n", name, humanize.Bytes(uint64(n)), of)
				}
			}
		}
	}()
	var once sync.Once
	return func() { once.Do(func() { close(done); <-stopped }) }
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// largest is the size of the largest file in a folder: pip's download, wherever pip keeps it meanwhile.
func largest(folder string) int64 {
	var size int64
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			size = max(size, fileSize(path))
		}
		return nil
	})
	return size
}
