#!/usr/bin/env bash
# Our speed beside peers', in turn on the same machine: bash internal/bench/compare.sh [ROUNDS [vgg16|step|beam|score]...]
# CAPTIONLAB_FLICKR8K names the folder whose captions score takes; else it makes some up.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-3}
shift || true
what=" ${*:-vgg16 step} " # beam takes PyTorch, some 3 GB
peers=.cache/peers
if [[ $what =~ \ (vgg16|step|beam)\  && ! -f "$peers/installed" ]]; then
  echo "installing Keras, TensorFlow and JAX into $peers" >&2
  python3 -m venv "$peers"
  "$peers/bin/python" -m pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow-cpu==2.21.0 jax==0.10.2 numpy==2.4.6
  touch "$peers/installed"
fi
if [[ $what == *" beam "* && ! -f "$peers/torch-installed" ]]; then
  echo "installing PyTorch into $peers" >&2
  "$peers/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.9.1 numpy==2.4.6
  touch "$peers/torch-installed"
fi
if [[ $what == *" score "* && ! -f "$peers/pycocoevalcap-installed" ]]; then
  echo "installing pycocoevalcap into $peers" >&2
  [ -x "$peers/bin/python" ] || python3 -m venv "$peers"
  "$peers/bin/python" -m pip install --quiet --disable-pip-version-check pycocoevalcap==1.2 numpy==2.4.6
  touch "$peers/pycocoevalcap-installed"
fi
packages=$(for part in vgg16=encoder step=model; do [[ $what == *" ${part%=*} "* ]] && echo "${part#*=}" || true; done)
for package in $packages; do go test -c -o "$peers/$package.test" "./internal/$package"; done
out=$(mktemp)
beams=$(mktemp -d)
scores=$(mktemp -d)
trap 'rm -rf "$out" "$beams" "$scores"' EXIT
if [[ $what == *" beam "* ]]; then # by a trained decoder: captions end where it learnt that they end
  go test -c -o "$peers/experiments.test" ./experiments
  trained() { grep -ls '"status": *"done"' results/*-baseline-*/run.json | tail -1; }
  [ -n "$(trained)" ] || make experiment CONFIG=baseline.toml
  run=$PWD/$(dirname "$(trained)")
fi
if [[ $what == *" score "* ]]; then
  go build -o "$peers/captionlab" ./experiments/captionlab
  "$peers/bin/python" internal/bench/score_peer.py make "$scores" ${CAPTIONLAB_FLICKR8K:+"$CAPTIONLAB_FLICKR8K"}
fi

# ours FOLDER BENCHMARK TIMES UNIT prints the benchmark's figure in that unit.
ours() {
  (cd "$1" && "$OLDPWD/$peers/${1##*/}.test" -test.run '^$' -test.bench "^${2/\//\$/^}\$" -test.benchtime "$3" 2>/dev/null) |
    awk -v unit="$4" '/^Benchmark/ { for (n = 2; n < NF; n++) if ($(n + 1) == unit) print $n }'
}
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  if [[ $what == *" vgg16 "* ]]; then
    echo "vgg16 ours $(ours internal/encoder BenchmarkVGG16/8 4x s/image)" >>"$out"
    for backend in tensorflow jax; do
      echo "vgg16 keras-$backend $("$peers/bin/python" internal/bench/keras_vgg16.py $backend 2>/dev/null | tail -1)" >>"$out"
    done
  fi
  if [[ $what == *" step "* ]]; then
    echo "step ours $(ours internal/model BenchmarkTrainStep 20x s/step)" >>"$out"
    echo "compile ours $(ours internal/model BenchmarkTrainStep 1x compile-s)" >>"$out"
    for backend in tensorflow jax; do
      echo "step keras-$backend $("$peers/bin/python" internal/bench/keras_step.py $backend 2>/dev/null | tail -1)" >>"$out"
    done
  fi
  if [[ $what == *" beam "* ]]; then # the peers stop when their captions are not ours
    echo "beam ours $(CAPTIONLAB_BENCH_RUN=$run CAPTIONLAB_BENCH_OUT=$beams ours experiments BenchmarkBeam5 4x s/caption)" >>"$out"
    for backend in tensorflow jax; do
      echo "beam keras-$backend $("$peers/bin/python" internal/bench/keras_beam.py $backend "$beams" 2>/dev/null | tail -1)" >>"$out"
    done
    echo "beam pytorch $("$peers/bin/python" internal/bench/torch_beam.py "$beams" | tail -1)" >>"$out"
  fi
  if [[ $what == *" score "* ]]; then # the peer stops when its scores are not ours
    echo "score ours $("$peers/bin/python" internal/bench/score_peer.py ours "$peers/captionlab" "$scores")" >>"$out"
    echo "score pycocoevalcap $("$peers/bin/python" internal/bench/score_peer.py pycocoevalcap "$scores")" >>"$out"
  fi
done
python3 - "$out" <<'PY'
import collections, statistics, sys
times = collections.defaultdict(list)
for line in open(sys.argv[1]):
    what, who, seconds = line.split()
    times[what, who].append(float(seconds))
print(f"{'':8}{'':18}{'median s':>10}{'min':>9}{'max':>9}{'ours/peer':>11}")
for (what, who), values in times.items():
    mine = times[what, "ours"]
    ratio = "" if who == "ours" else f"{statistics.median(a / b for a, b in zip(mine, values)):11.2f}"
    print(f"{what:8}{who:18}{statistics.median(values):10.4f}{min(values):9.4f}{max(values):9.4f}{ratio}")
PY
