#!/bin/sh
# Makes a side environment: an engine or a peer whose packages do not fit beside ours, at pinned versions.
#   tools/side_env.sh NAME [VENV]     NAME is a file in tools/side; VENV is .venv-NAME when left out
set -eu
cd "$(dirname "$0")/.."
name=${1:-}
requirements=tools/side/$name.txt
[ -n "$name" ] && [ -f "$requirements" ] || {
    echo "no side environment '$name'; there are: $(cd tools/side && ls | sed 's/\.txt$//' | tr '\n' ' ')" >&2
    exit 2
}
venv=${2:-.venv-$name}
# The versions stand in the file alone: an engine pins what the main environment has newer.
sh tools/install.sh "$venv" "$requirements" /dev/null
unwanted=$(sed -n 's/^# without: //p' "$requirements")
# shellcheck disable=SC2086
[ -z "$unwanted" ] || "$venv/bin/python" -m pip uninstall --quiet --yes $unwanted
touch "$venv/.installed"
