package encoder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gomlx/go-huggingface/hub"
)

// hubPatience is how long a model hub may take to answer before the next source is tried.
const hubPatience = 5 * time.Second

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
		if there, _ := filepath.Glob(filepath.Join(folder, "snapshots", "*", name)); len(there) > 0 {
			return there[len(there)-1], "", nil
		}
		answered := make(chan error, 1)
		go func() { answered <- repo.DownloadInfo(true) }() // can't be cancelled
		select {
		case err = <-answered:
		case <-time.After(hubPatience):
			err = fmt.Errorf("the hub did not answer within %v", hubPatience)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return "", "", err
		}
		fmt.Fprintf(log, "downloading %s of %s from the model hub\n", name, repository)
		path, err := repo.DownloadFileCtx(ctx, name)
		if err != nil {
			return "", "", fmt.Errorf("download %s: %w", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			return "", "", errors.Join(errors.New("the download is not where it should be"), err)
		}
		return path, "", nil
	}
}
