"""`python -m evalsuite` is the same program as `evalsuite` and `python run.py`."""

import sys

from evalsuite.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
