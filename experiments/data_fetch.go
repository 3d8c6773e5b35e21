package experiments

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/fetch"
)

// stampsPackage is Debian's package of Tux Paint's stamps (GPL-2): pictures with captions in many languages.
const stampsPackage = "tuxpaint-stamps-default"

// FetchStamps downloads Tux Paint's stamps with the system's package client and unpacks them into dir, without
// installing them; "" is the folder stamps in the cache. It returns the folder, for data.root. A folder that holds them
// already is left as it is.
func FetchStamps(ctx context.Context, dir string, o Options) (root string, err error) {
	if dir == "" {
		dir = nearPath(filepath.Join(checkout.At(".cache"), "stamps"))
	}
	fetched, err := fetch.Debian(ctx, dir, stampsPackage, o.Stderr)
	if err != nil {
		return "", err
	}
	if o.Stderr != nil {
		state := "were there already"
		if fetched {
			state = "fetched"
		}
		fmt.Fprintf(o.Stderr, "stamps: %s, in %s (Tux Paint's, GPL-2)\n", state, dir)
	}
	return dir, nil
}
