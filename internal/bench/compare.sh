#!/usr/bin/env bash
# Our speed beside peers', in turn on the same machine: bash internal/bench/compare.sh [BENCHMARK...]
# A benchmark is one of those below, or the beginning of several, as step; none means all. ROUNDS is how often (3). QUICK=1 takes
# tiny sizes and one round, to see that everything works. CAPTIONLAB_FLICKR8K names Flickr8k's folder: the epochs need it, score,
# tokens and records take its captions, images its photos; else these make some up. CAPTIONLAB_BENCH_RUN names the run whose decoder
# greedy and beam take, if not the newest baseline. See README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
all=(vgg16 images step-baseline step-words step-attention compile-20 compile-80 compile-400 compile-2000 pairs greedy beam score tokens
  start-cold start-warm records epoch-words epoch-attention)
wanted=()
for given in "${@:-}"; do
  found=
  for name in "${all[@]}"; do
    if [[ $name == "$given" || $name == "$given"-* || -z $given ]]; then
      found=1
      [[ " ${wanted[*]-} " == *" $name "* ]] || wanted+=("$name")
    fi
  done
  [ -n "$found" ] || { echo "compare.sh: no benchmark $given; there are ${all[*]}" >&2; exit 2; }
done
wants() { [[ " ${wanted[*]} " =~ \ ($1) ]]; } # a pattern of beginnings
if wants epoch && [ -z "${CAPTIONLAB_FLICKR8K:-}" ]; then
  [ $# -eq 0 ] || { echo 'compare.sh: the epochs need Flickr8k: CAPTIONLAB_FLICKR8K=FOLDER' >&2; exit 2; }
  echo 'without CAPTIONLAB_FLICKR8K, which names its folder, the epochs of Flickr8k are left out' >&2
  mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | grep -v '^epoch')
fi
go=${GO:-go}
rounds=${ROUNDS:-3}
for name in CAPTIONLAB_FLICKR8K CAPTIONLAB_BENCH_RUN; do # Go's benchmarks run in other folders
  if [ -n "${!name:-}" ]; then export "$name=$(realpath "${!name}")"; fi
done
[ -z "${QUICK:-}" ] || rounds=1

# The peers, pinned, each with what needs it. CPU builds, where the registry has them.
peers=$PWD/.cache/peers
install() { # MARKER PACKAGE... The marker holds the packages: other pins are installed anew.
  local packages=(numpy==2.4.6 "${@:2}")
  [ "$(cat "$peers/$1" 2>/dev/null)" != "${packages[*]}" ] || return 0
  echo "installing ${packages[*]} into $peers" >&2
  python3 -m venv "$peers" # also where one is: it may have been interrupted before it had pip
  "$peers/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}"
  echo "${packages[*]}" >"$peers/$1"
}
if wants 'vgg16|images|step|compile|pairs|greedy|beam|tokens|start'; then install installed keras==3.15.1 tensorflow-cpu==2.21.0 jax==0.10.2; fi
if wants 'vgg16|images|step|greedy|beam|epoch'; then install torch-installed torch==2.9.1; fi # some 3 GB
if wants vgg16; then install onnx-installed onnxruntime==1.32.0 onnx==1.23.2; fi
if wants 'images|start'; then install pillow-installed pillow==12.0.0; fi
if wants score; then install pycocoevalcap-installed pycocoevalcap==1.2; fi

dir=$PWD/results/bench/$(date -u +%Y%m%dT%H%M%SZ)
shared=$(mktemp -d)
trap 'rm -rf "$shared"' EXIT
lines=$dir/results.jsonl
tests=$shared/tests
mkdir "$tests"
module() { $go list -m -f '{{.Path}} {{.Version}}' "github.com/gomlx/$1" | sed 's|.*/||'; }
export PYTHONDONTWRITEBYTECODE=1 CAPTIONLAB_BENCH=$shared CAPTIONLAB_BENCH_LINES=$lines CAPTIONLAB_BENCH_QUICK=${QUICK:-} CAPTIONLAB_BENCH_ROUND
CAPTIONLAB_BENCH_VERSION="$($go env GOVERSION), $(module gomlx), $(module go-xla)"
export CAPTIONLAB_BENCH_VERSION

echo "building ours" >&2
for part in vgg16=encoder images=features 'step|compile|pairs=train'; do
  if wants "${part%=*}"; then $go test -c -o "$tests/${part#*=}.test" "./internal/${part#*=}"; fi
done
if wants 'greedy|beam|tokens|records|epoch'; then $go test -c -o "$tests/experiments.test" ./experiments; fi
if wants 'score|start'; then $go build -o "$shared/captionlab" ./experiments/captionlab; fi
$go build -o "$shared/benchtable" ./internal/bench/benchtable
"$shared/benchtable" begin "$dir"
: >"$lines"
if wants 'greedy|beam' && [ -z "${CAPTIONLAB_BENCH_RUN:-}" ]; then # by a trained decoder: captions end where it learnt that they end
  trained() { grep -ls '"status": *"done"' results/*Z-"$config"-????????/run.json | tail -1; }
  config=baseline
  [ -z "${QUICK:-}" ] || config=quickstart
  [ -n "$(trained)" ] || make experiment CONFIG=$config.toml
  CAPTIONLAB_BENCH_RUN=$PWD/$(dirname "$(trained)")
  export CAPTIONLAB_BENCH_RUN
fi

# measure BENCHMARK WHO COMMAND... runs a command that appends its line. Where it fails, a line says so.
measure() {
  local before status=0
  before=$(wc -l <"$lines")
  echo "  $1, $2" >&2
  echo "== round $CAPTIONLAB_BENCH_ROUND: $*" >>"$dir/log.txt"
  "${@:3}" >>"$dir/log.txt" 2>&1 || status=$?
  if [ "$status" -ne 0 ] || [ "$(wc -l <"$lines")" -eq "$before" ]; then
    echo "    failed, see $dir/log.txt" >&2
    printf '{"benchmark":"%s","who":"%s","round":%d,"error":"exit status %d, see log.txt"}\n' "$1" "$2" "$CAPTIONLAB_BENCH_ROUND" "$status" >>"$lines"
  fi
}
# ours BENCHMARK FOLDER PATTERN runs one of our Go benchmarks in its package's folder, as go test does.
benchmark() { cd "$1" && "$tests/${1##*/}.test" -test.run '^$' -test.bench "$2" -test.benchtime 1x; }
ours() { measure "$1" ours eval "(benchmark '$2' '$3')"; }
# peer BENCHMARK WHO SCRIPT ARGUMENT...
peer() { measure "$1" "$2" "$peers/bin/python" "internal/bench/peers/$3.py" "${@:4}"; }
keras() { # BENCHMARK SCRIPT ARGUMENT...
  for backend in tensorflow jax; do peer "$1" "keras-$backend" "$2" "$backend" "${@:3}"; done
}

for CAPTIONLAB_BENCH_ROUND in $(seq "$rounds"); do
  echo "round $CAPTIONLAB_BENCH_ROUND of $rounds" >&2
  for name in "${wanted[@]}"; do
    case $name in
    vgg16)
      ours vgg16 internal/encoder '^BenchmarkVGG16Peers$'
      keras vgg16 keras_vgg16
      peer vgg16 pytorch torch_vgg16
      peer vgg16 onnxruntime onnx_vgg16
      ;;
    images)
      ours images internal/features '^BenchmarkImages$'
      keras images keras_images
      peer images pytorch torch_images
      ;;
    step-*)
      ours "$name" internal/train "^BenchmarkStep\$/^${name#*-}\$"
      [ "$name" = step-attention ] || keras "$name" keras_step "$name"
      peer "$name" jax jax_step "$name"
      peer "$name" pytorch torch_step "$name"
      ;;
    compile-*)
      ours "$name" internal/train "^BenchmarkCompile\$/^${name#*-}\$"
      peer "$name" keras-jax keras_step jax "$name"
      peer "$name" jax jax_step "$name"
      ;;
    pairs)
      ours pairs internal/train '^BenchmarkPairs$'
      keras pairs keras_pairs
      ;;
    greedy | beam)
      ours "$name" experiments "^BenchmarkCaptions\$/^$name\$"
      keras "$name" keras_beam "$name"
      peer "$name" pytorch torch_beam "$name"
      ;;
    score)
      [ -d "$shared/score" ] || { mkdir "$shared/score" && "$peers/bin/python" internal/bench/peers/score_peer.py make ${CAPTIONLAB_FLICKR8K:+"$CAPTIONLAB_FLICKR8K"}; }
      peer score ours score_peer ours "$shared/captionlab"
      peer score pycocoevalcap score_peer pycocoevalcap
      ;;
    tokens)
      ours tokens experiments '^BenchmarkTokens$'
      peer tokens keras-tensorflow keras_tokens
      peer tokens python python_tokens
      ;;
    start-*)
      peer "$name" ours start_peer ours "${name#*-}" "$shared/captionlab"
      for who in keras-tensorflow keras-jax; do peer "$name" "$who" start_peer "$who" "${name#*-}"; done
      ;;
    records) # once, for its memory
      [ "$CAPTIONLAB_BENCH_ROUND" -gt 1 ] || ours records experiments '^BenchmarkRecords$'
      ;;
    epoch-*)
      ours "$name" experiments "^BenchmarkFlickr8kEpoch\$/^${name#*-}\$"
      peer "$name" pytorch torch_epoch "$name"
      ;;
    esac
  done
done
status=0
"$shared/benchtable" "$dir" || status=$?
echo "$dir" >&2
exit "$status"
