package encoder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gomlx/go-huggingface/hub"

	"github.com/captionlab/captionlab/internal/fetch"
)

// hubPatience is how long a model hub may take to answer before the next source is tried.
const hubPatience = 5 * time.Second

// hubStall is how long a download may bring nothing. Tests shorten it.
var hubStall = time.Minute

// fromHub downloads one file of a repository of a model hub, or finds it where an earlier run left it. HF_ENDPOINT and
// HF_TOKEN are heeded as by the hub's own tools.
func fromHub(repository, name string) func(ctx context.Context, dir string, log io.Writer) (path, hash string, err error) {
	return func(ctx context.Context, dir string, log io.Writer) (string, string, error) {
		repo := hub.New(repository).WithAuth(os.Getenv("HF_TOKEN")).WithCacheDir(filepath.Join(dir, "hub"))
		repo.Verbosity = 0 // it would print to the standard output
		folder, err := repo.CacheDir()
		if err != nil {
			return "", "", err
		}
		if path := fromSnapshot(folder, name); path != "" {
			return path, "", nil
		}
		answer, cancel := context.WithTimeoutCause(ctx, hubPatience, fmt.Errorf("the hub did not answer within %v", hubPatience))
		defer cancel()
		if _, err := outlast(answer, 0, func() (string, error) { return repo.FileURL(name) }); err != nil { // asks for the repository's list of files
			return "", "", err
		}
		path, err := downloadFromHub(ctx, repo, name, log)
		return path, "", err
	}
}

// fromSnapshot is the file as an earlier run left it, or "". A snapshot is a link, and after a download that broke off it leads nowhere.
func fromSnapshot(folder, name string) string {
	links, _ := fs.Glob(os.DirFS(folder), "snapshots/*/"+name) // the folder's own name may hold a pattern's signs
	for _, link := range links {
		path := filepath.Join(folder, filepath.FromSlash(link))
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// downloadFromHub downloads a file of a repository whose list of files is known. When no data come any more, it ends with an error.
func downloadFromHub(ctx context.Context, repo *hub.Repo, name string, log io.Writer) (string, error) {
	folder, err := repo.CacheDir()
	if err != nil {
		return "", err
	}
	var size int64 // 0 where the hub doesn't tell
	for file, err := range repo.IterFileInfos() {
		if err == nil && file.Name == name {
			size = file.Size
		}
	}
	ctx, stop := fetch.Watch(ctx, log, fmt.Sprintf("%s of %s from the model hub", name, repo.ID), size, hubStall, func() int64 { return arrived(folder) })
	defer stop()
	path, err := outlast(ctx, hubPatience, func() (string, error) { return repo.DownloadFileCtx(ctx, name) })
	if err != nil {
		return "", fmt.Errorf("download %s: %w", name, err)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) { // the library reports no error when a connection breaks, and links to what isn't there
		return "", errors.Join(fmt.Errorf("download %s: the connection broke off before its end; run again", name), os.Remove(path))
	}
	if err != nil {
		return "", fmt.Errorf("download %s: %w", name, err)
	}
	if size > 0 && info.Size() != size {
		err := fmt.Errorf("download %s: got %d bytes, expected %d; run again", name, info.Size(), size)
		blob, missing := filepath.EvalSymlinks(path)
		return "", errors.Join(err, missing, os.Remove(path), os.Remove(blob))
	}
	return path, nil
}

// arrived is the size of the youngest unfinished download in a repository's folder; a killed process may have left others.
func arrived(folder string) (size int64) {
	parts, _ := fs.Glob(os.DirFS(folder), "blobs/*.part")
	var youngest time.Time
	for _, part := range parts {
		info, err := os.Stat(filepath.Join(folder, part))
		if err == nil && info.ModTime().After(youngest) {
			size, youngest = info.Size(), info.ModTime()
		}
	}
	return size
}

// outlast calls a function that may heed no context: when ctx ends, f gets the time of grace to end as well, then goes on in the background.
func outlast(ctx context.Context, grace time.Duration, f func() (string, error)) (string, error) {
	type result struct {
		value string
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(grace):
	}
	return "", context.Cause(ctx)
}
