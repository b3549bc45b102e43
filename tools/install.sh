#!/bin/sh
# Makes the virtual environment: with uv when it is there, else with venv and pip.
#   tools/install.sh VENV REQUIREMENTS [CONSTRAINTS]     (PYTHON=... chooses the interpreter)
set -eu
venv=$1
requirements=$2
constraints=${3:-constraints.txt}
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "evalsuite needs Python 3.10 or newer; '$python' is $("$python" --version 2>&1); PYTHON=... chooses another" >&2
    exit 1
}
if command -v uv >/dev/null 2>&1; then
    [ -x "$venv/bin/python" ] || uv venv --quiet --seed --python "$python" "$venv"
    install() { uv pip install --quiet --python "$venv/bin/python" "$@"; }
else
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
fi
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }

torch=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' constraints.txt)
if ! "$venv/bin/python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then
    if [ -e /dev/nvidia0 ]; then
        echo "installing torch $torch with CUDA ..."
        install "torch==$torch"
    else
        # The CPU build, from a local wheel or from PyTorch's own index: the plain name pulls gigabytes of CUDA.
        echo "installing torch $torch, CPU build ..."
        pip install "torch==$torch+cpu" --retries 0 2>/dev/null ||
            pip install "torch==$torch" --retries 1 --index-url https://download.pytorch.org/whl/cpu 2>/dev/null ||
            install "torch==$torch"
    fi
fi
echo "installing what $requirements names ..."
install -r "$requirements" -c "$constraints"
install --no-deps --no-build-isolation --editable . --config-settings editable_mode=compat
