#!/usr/bin/env bash
# Opens Jupyter Lab on the notebooks.
. "$(dirname "$0")/setup.sh"
cd "$checkout/notebooks"
exec jupyter lab "$@"
