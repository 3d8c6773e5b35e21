"""Checks that a run folder holds what a finished run leaves, and that its loss fell."""

import json
import pathlib
import sys

run = pathlib.Path(sys.argv[1])
failed = []
passed = 0


def check(name, ok):
    global passed
    if ok:
        passed += 1
    else:
        failed.append(name)
        print(f"FAIL {name}")


def jsonl(path):
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


for name in ["config.toml", "config.resolved.toml", "run.json", "metrics.jsonl", "metrics.csv", "vocab.json", "split.json",
             "report.md", "report.html", "log.txt", "metrics.json", "dvc.yaml"]:
    path = run / name
    check(f"{name} exists and isn't empty", path.is_file() and path.stat().st_size > 0)
for pattern in ["plots/*.png", "plots/*.svg", "checkpoints/*", "tensorboard/**/events.out.tfevents.*", "coco/*.json"]:
    check(f"{pattern} exists", any(run.glob(pattern)))
for split in ["validation", "test"]:
    captions = jsonl(run / "predictions" / f"{split}.jsonl")
    check(f"predictions/{split}.jsonl has captions", any(row.get("caption") for row in captions))

status = json.loads((run / "run.json").read_text(encoding="utf-8")).get("status") if (run / "run.json").is_file() else None
check(f"run.json says done (it says {status})", status == "done")

rows = jsonl(run / "metrics.jsonl")
check("metrics.jsonl has at least two epochs", len(rows) >= 2)
for key in ["train_teacher_forced_loss", "validation_teacher_forced_loss"]:
    first, last = (rows[0].get(key), rows[-1].get(key)) if rows else (None, None)
    fell = first is not None and last is not None and last < first
    check(f"{key} fell: {first} -> {last}", fell)
    if fell:
        print(f"{key} fell from {first:.4f} to {last:.4f} in {len(rows)} epochs")

print(f"quickstart outputs: {passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
