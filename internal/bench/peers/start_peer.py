"""From a command's start to its first training step on the pictures of quickstart.toml, with (warm) or without (cold) their
features in a cache; programs, weights and pictures are there.

    python start_peer.py ours warm|cold BINARY
    python start_peer.py keras-tensorflow|keras-jax warm|cold

Ours draws a progress bar after its first step, on the terminal that this script is to it; it is stopped there.
"""
import os
import pathlib
import pty
import signal
import subprocess
import sys
import tempfile
import time

import peer

CACHE = pathlib.Path(".cache").absolute()
LIMIT = 900  # seconds


def first_step(command, sign):
    """Seconds until the command writes sign to its terminal; then it is stopped."""
    terminal, its = pty.openpty()
    began = time.perf_counter()
    child = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, close_fds=True)
    os.close(its)
    text, seconds = "", None
    try:
        while seconds is None and time.perf_counter() - began < LIMIT:
            try:
                text += os.read(terminal, 4096).decode(errors="replace")
            except OSError:  # it ended
                break
            if sign in text:
                seconds = time.perf_counter() - began
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        os.close(terminal)
    if seconds is None:
        sys.exit(f"{command[0]} did not come to its first step:\n{text[-2000:]}")
    return seconds


def pictures():
    """The folder of quickstart.toml's 200 pictures."""
    for folder in sorted((CACHE / "emojigram").glob("*")):
        with open(folder / "captions.jsonl", encoding="utf-8") as f:
            if sum(1 for _ in f) == 200 and len(list((folder / "images").iterdir())) == 200:
                return folder
    sys.exit("the pictures of quickstart.toml are not in .cache: make experiment CONFIG=quickstart.toml")


who, how = sys.argv[1:3]
packages = []
with tempfile.TemporaryDirectory() as folder:
    if who == "ours":
        cache = CACHE
        if how == "cold":  # all but the features
            cache = pathlib.Path(folder) / "cache"
            cache.mkdir()
            for name in ("weights", "xla", "emojigram"):
                (cache / name).symlink_to(CACHE / name)
        seconds = first_step([sys.argv[3], "run", "quickstart.toml", f"runtime.cache={cache}", f"runtime.results={folder}/results"], "training, epoch 1/")
    else:
        features = pathlib.Path(peer.ROOT) / f"start-{who}.npy"
        if how == "cold":
            features.unlink(missing_ok=True)
        elif not features.exists():
            sys.exit("start-cold leaves the features of start-warm, and did not run")
        script = pathlib.Path(__file__).with_name("keras_start.py")
        seconds = first_step([sys.executable, str(script), who.removeprefix("keras-"), str(pictures()), str(features)], "first step done")
        packages = ["keras", {"keras-jax": "jax", "keras-tensorflow": "tensorflow-cpu"}[who]]
peer.report(f"start-{how}", who, seconds, "s", packages=packages, child=True)
