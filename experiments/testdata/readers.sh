#!/usr/bin/env bash
# Installs the tools whose files runs have, and runs the test in which they read them: make readers.
set -euo pipefail
cd "$(dirname "$0")/../.."
readers=$PWD/.cache/readers
packages=(tensorboard==2.20.0 mlflow-skinny==3.17.2 pycocotools==2.0.11 pycocoevalcap==1.2 pillow==13.0.0 numpy==2.4.6)
dvc=dvc==3.67.1
wanted="${packages[*]} $dvc"
if [ "$(cat "$readers/installed" 2>/dev/null)" != "$wanted" ]; then
  echo "installing TensorBoard, MLflow, pycocotools, pycocoevalcap and DVC into $readers" >&2
  python3 -m venv "$readers"
  "$readers/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}"
  python3 -m venv "$readers/dvc"
  "$readers/dvc/bin/python" -m pip install --quiet --disable-pip-version-check "$dvc"
  echo "$wanted" >"$readers/installed"
fi
CAPTIONLAB_READERS=$readers "${GO:-go}" test -count=1 -v -run '^TestOtherToolsRead$' ./experiments
