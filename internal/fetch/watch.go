package fetch

import (
	"context"
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

// Watch is for downloads by other programs and packages, which log (not nil) hears of as of this package's own: what is being
// fetched, then every ten seconds how far it is. The context that it returns is cancelled, with a cause that says so, when
// size has not changed for the time of patience. stop ends the watch and the context.
func Watch(ctx context.Context, log io.Writer, name string, total int64, patience time.Duration, size func() int64) (watched context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	unwatch := watch(log, name, total, size)
	go func() {
		tick := time.NewTicker(min(time.Second, patience/4))
		defer tick.Stop()
		last, since := size(), time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				if n := size(); n != last {
					last, since = n, now
				} else if now.Sub(since) >= patience {
					cancel(fmt.Errorf("no data for %s", patience))
				}
			}
		}
	}()
	return ctx, func() { unwatch(); cancel(nil) }
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
