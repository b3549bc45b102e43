"""Evaluate models: `python run.py CONFIG [flags]`; `python run.py --help` tells the rest."""

import sys

from evalsuite.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
