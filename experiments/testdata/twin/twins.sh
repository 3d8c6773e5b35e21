#!/usr/bin/env bash
# One recipe, trained by captionlab and by its PyTorch twin on the same features and captions, and a row of a table:
#
#   bash experiments/testdata/twin/twins.sh RECIPE SEED DATA [section.key=value ...]
#   bash experiments/testdata/twin/twins.sh tanti-init 1 path/to/flickr8k
#   bash experiments/testdata/twin/twins.sh tanti-init 1 emojigram data.emojigram.images=100 training.epochs=2
#
# RECIPE is one of configs/recipes, DATA Flickr8k's folder, or emojigram, which captionlab makes. The row goes to stdout, all
# else to stderr; runs and twins are kept below results/twins (CAPTIONLAB_TWINS). A run that is done is not done again.
# CAPTIONLAB_PYTHON names a Python with torch and numpy; without, they are installed into .cache/twin. CAPTIONLAB names the
# command (bin/captionlab, which is built). TWIN_DEVICE=cuda trains the twin on a GPU. The mean over seeds:
#   .cache/twin/bin/python experiments/testdata/twin/twin.py mean results/twins/RECIPE-*/twin
set -euo pipefail
if [ $# -lt 3 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
recipe=$1 seed=$2 data=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
captionlab=${CAPTIONLAB:-$root/bin/captionlab}
config=$root/configs/recipes/$recipe.toml
[ -f "$config" ] || { echo "twins.sh: no recipe $recipe in configs/recipes" >&2; exit 2; }

python=${CAPTIONLAB_PYTHON:-$root/.cache/twin/bin/python}
packages=(torch==2.9.1 numpy==2.4.6)
if [ -z "${CAPTIONLAB_PYTHON:-}" ] && [ "$(cat "$root/.cache/twin/installed" 2>/dev/null)" != "${packages[*]}" ]; then
  echo "installing PyTorch into .cache/twin" >&2
  python3 -m venv "$root/.cache/twin"
  "$python" -m pip install --quiet --disable-pip-version-check "${packages[@]}"
  echo "${packages[*]}" >"$root/.cache/twin/installed"
fi
[ -n "${CAPTIONLAB:-}" ] || make -C "$root" build >&2

if [ "$data" = emojigram ]; then # the overrides that the recipe's head gives for it
  # shellcheck disable=SC2046 # they are words
  set -- $(sed -n 's/^# Emoji: .*SET="\(.*\)"$/\1/p' "$config") "$@"
else
  set -- "data.root=$(cd "$data" && pwd)" "$@"
fi
set -- "training.seed=$seed" "$@"
# The same settings have the same folder.
hash=$("$captionlab" config check "$config" "$@" | sed 's/.*-//')
work=${CAPTIONLAB_TWINS:-$root/results/twins}/$recipe-$seed-$hash
mkdir -p "$work"

# captionlab's side. A run that was stopped goes on.
done_run() { grep -ls '"status": *"done"' "$work"/run/*/run.json | tail -1; }
if [ -z "$(done_run)" ]; then
  begun=$(ls -d "$work"/run/*/ 2>/dev/null | tail -1 || true)
  if [ -n "$begun" ]; then
    "$captionlab" resume "$begun" >&2
  else
    "$captionlab" run "$config" "$@" "runtime.results=$work/run" >&2
  fi
fi
run=$(dirname "$(done_run)")

# The twin's side. Its features may be gigabytes: they go when it is done.
inputs=$work/inputs/$(basename "$run")
if [ ! -f "$work/twin/twin.json" ]; then
  "$captionlab" export inputs "$run" --to "$work/inputs" >&2
  "$python" "$here/twin.py" check "$inputs" --device "${TWIN_DEVICE:-cpu}" >&2
  "$python" "$here/twin.py" train "$inputs" --seed "$seed" --out "$work/twin" --captionlab "$captionlab" --device "${TWIN_DEVICE:-cpu}"
fi
"$python" "$here/twin.py" row "$inputs" "$work/twin" --captionlab "$captionlab"
rm -f "$inputs/features.npy"
