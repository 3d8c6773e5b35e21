"""What the peers share: the folder that our benchmarks leave (see internal/bench/benchtest), and the lines of results.

CAPTIONLAB_BENCH is the folder that both sides share, CAPTIONLAB_BENCH_LINES the file of results, CAPTIONLAB_BENCH_ROUND the round.
"""
import json
import os
import resource
import statistics
import sys
import time
from importlib import metadata

import numpy as np

ROOT = os.environ["CAPTIONLAB_BENCH"]
QUICK = bool(os.environ.get("CAPTIONLAB_BENCH_QUICK"))
WARM = 3  # steps before those that are timed


def load(benchmark):
    """The sizes, the network's weights by name and the other arrays (features, tokens, ...) by name."""
    with open(f"{ROOT}/{benchmark}/sizes.json") as f:
        data = json.load(f)
    arrays = {}
    with open(f"{ROOT}/{benchmark}/arrays.bin", "rb") as f:
        for a in data["arrays"]:
            arrays[a["name"]] = np.fromfile(f, a["dtype"], int(np.prod(a["shape"]))).reshape(a["shape"])
    weights = {k: v for k, v in arrays.items() if "/" in k}
    return data["sizes"], weights, {k: v for k, v in arrays.items() if k not in weights}


def peak_bytes(child):
    if child:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:"))


def report(benchmark, who, value, unit, check=None, note="", packages=(), child=False):
    """Appends a line of results. child: what was measured is a command that this process ran."""
    version = ", ".join(["Python " + sys.version.split()[0]] + [f"{p} {metadata.version(p)}" for p in packages])
    line = {"benchmark": benchmark, "who": who, "round": int(os.environ["CAPTIONLAB_BENCH_ROUND"]), "value": float(value), "unit": unit,
            "check": {k: float(v) for k, v in (check or {}).items()}, "peak_bytes": peak_bytes(child), "note": note,
            "version": os.environ["CAPTIONLAB_BENCH_VERSION"] if who == "ours" else version}
    with open(os.environ["CAPTIONLAB_BENCH_LINES"], "a") as f:
        f.write(json.dumps(line, allow_nan=False) + "\n")


def measure(benchmark, who, sizes, step, packages):
    """Times step(), which trains once on the batch and gives the loss before the update. Of compile-N it reports what the
    first step takes longer than the others."""
    times, losses = [], []
    for _ in range(max(sizes["steps"], 5)):
        began = time.perf_counter()
        losses.append(float(step()))
        times.append(time.perf_counter() - began)
    check = {"loss of step 1": losses[0], "loss of step 5": losses[4]}
    if benchmark.startswith("compile-"):
        report(benchmark, who, times[0] - statistics.median(times[1:]), "s", check, packages=packages)
    else:
        report(benchmark, who, statistics.mean(times[WARM:]), "s/step", check, packages=packages)
