"""`evalsuite check CONFIG`: everything that is wrong with a config, before anything is started."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from evalsuite.cli import EXIT_WRONG


def main(argv: Sequence[str]) -> int:
    """Print all problems at once; the flags are those of `run`."""
    from evalsuite.config.check import check, doubts
    from evalsuite.flags import read_flags
    from evalsuite.launch import accelerated, read
    from runners.gpus import find_gpus

    options = read_flags(argv)
    config = accelerated(read(options), options)
    problems = check(config, gpus=len(find_gpus()), scored=options.mode != "infer")
    for problem in problems:
        sys.stderr.write(f"{problem.render()}\n")
    if problems:
        sys.stderr.write(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}\n")
        return EXIT_WRONG
    for doubt in doubts(config):
        sys.stderr.write(f"warning: {doubt.render()}\n")
    sys.stdout.write(
        f"{config.name}: {len(config.models)} models, {len(config.datasets)} datasets, nothing wrong\n"
    )
    return 0
