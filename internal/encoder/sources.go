package encoder

import (
	"context"
	"io"

	"github.com/captionlab/captionlab/internal/fetch"
)

// pinned is a file whose hash is known.
func pinned(f fetch.File) func(ctx context.Context, dir string, log io.Writer) (path, hash string, err error) {
	return func(ctx context.Context, dir string, log io.Writer) (string, string, error) {
		path, err := fetch.Ensure(ctx, dir, f, log)
		return path, f.SHA256, err
	}
}
