#!/usr/bin/env bash
# Installs what the notebooks need into .cache/notebooks, once: Jupyter, the GoNB kernel and the two Go tools that it calls.
# Sourced by run.sh and lab.sh: sets PATH and where Jupyter looks for kernels.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$checkout/.cache/notebooks
wanted=$({ echo "$home"; cat "$checkout/notebooks/requirements.txt" "$checkout/notebooks/kernel/go.mod" "${BASH_SOURCE[0]}"; } | sha256sum)

fail() {
  echo "notebooks: $1" >&2
  echo "hint: $2" >&2
  exit 1
}

install() {
  mkdir -p "$home/bin"
  local log=$home/install.log
  : >"$log"
  echo "notebooks: installing Jupyter into .cache/notebooks (once, about 400 MB)" >&2
  # Scripts of a checkout that was moved name its old place, and pip leaves them as they are.
  python3 -m venv --clear "$home/venv" >>"$log" 2>&1 ||
    fail "python3 -m venv failed; see $log" "Debian and Ubuntu: apt-get install python3-venv"
  "$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$checkout/notebooks/requirements.txt" >>"$log" 2>&1 ||
    fail "pip could not install Jupyter; see $log" "check the network and pip's index, then run this again"
  echo "notebooks: building the GoNB kernel, gopls and goimports (once, a few minutes)" >&2
  (cd "$checkout/notebooks/kernel" && GOBIN=$home/bin go install tool && GOBIN=$home/bin go install golang.org/x/tools/gopls@v0.21.1) >>"$log" 2>&1 ||
    fail "go install failed; see $log" "check the network and Go's module proxy, then run this again"
  PATH=$home/bin:$PATH JUPYTER_DATA_DIR=$home/data "$home/bin/gonb" --install >>"$log" 2>&1 ||
    fail "gonb --install failed; see $log" "remove .cache/notebooks and run this again"
  echo "$wanted" >"$home/installed"
}

command -v go >/dev/null || fail "go is not on the PATH" "install Go 1.26.5 or later"
command -v python3 >/dev/null || fail "python3 is not on the PATH" "install Python 3.11 or later, with pip"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$(python3 --version) is too old for Jupyter's packages" "put Python 3.11 or later, with pip, first on the PATH"
[ "$(cat "$home/installed" 2>/dev/null)" = "$wanted" ] || install
export PATH=$home/bin:$home/venv/bin:$PATH JUPYTER_DATA_DIR=$home/data
