#!/usr/bin/env bash
# Executes notebooks in place, all of them or those named, and fails on the first error in a cell: notebooks/run.sh [NAME.ipynb ...]
. "$(dirname "$0")/setup.sh"
cd "$checkout/notebooks"
[ $# -gt 0 ] || set -- *.ipynb
for notebook in "$@"; do
  notebook=${notebook#notebooks/} # as make's caller sees it
  [ -f "$notebook" ] || fail "there is no notebooks/$notebook" "known are: $(echo *.ipynb)"
  echo "notebooks: executing $notebook" >&2
  began=$SECONDS
  jupyter nbconvert --to notebook --inplace --execute --ExecutePreprocessor.timeout=1200 --log-level=WARN "$notebook" 2>"$home/$notebook.log" || {
    { grep -v 'gonb' "$home/$notebook.log" || true; } | tail -n 40 >&2 # grep fails where it selects nothing
    fail "a cell of $notebook failed" "the whole log is $home/$notebook.log; open the notebook with make notebook"
  }
  echo "notebooks: $notebook done in $((SECONDS - began)) s" >&2
done
