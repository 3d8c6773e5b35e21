#!/usr/bin/env sh
# Points a notebook's own Go module at the checkout that the notebook lies in. A notebook's first cell calls it; GoNB gives
# the notebook's folder and runs it in the folder of the cells' module.
set -eu
checkout=$(cd "$GONB_DIR" && dirname "$(go env GOMOD)")
go mod edit -require github.com/captionlab/captionlab@v0.0.0 -replace "github.com/captionlab/captionlab=$checkout" \
  -require github.com/janpfeifer/gonb@v0.11.5
cat "$checkout/go.sum" "$checkout/notebooks/kernel/go.sum" >go.sum
