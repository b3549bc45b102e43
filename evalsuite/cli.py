"""Flags to verbs, nothing else. A verb's work lies in its own module and is imported when it is called."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from evalsuite import __version__
from evalsuite.errors import UserError

VERBS = {
    "run": ("evalsuite.launch:main", "evaluate the models of a config (the default verb)"),
    "list": ("evalsuite.verbs.listing:main", "configs by name or pattern"),
    "show": ("evalsuite.verbs.show:main", "the first rendered prompts of a model x dataset"),
    "check": ("evalsuite.verbs.check:main", "check a config without starting anything"),
    "score": ("evalsuite.score:main", "grade answers that were produced elsewhere"),
    "status": ("evalsuite.verbs.status:main", "how far a run is"),
    "attach": ("evalsuite.verbs.attach:main", "continue with a run whose workers are on a cluster"),
    "worker": ("evalsuite.verbs.worker:main", "be a worker of a run (any scheduler can start these)"),
    "data": ("evalsuite.verbs.data:main", "benchmark files: list, fetch, verify"),
    "doctor": ("evalsuite.verbs.doctor:main", "what this machine can do"),
}
EXIT_WRONG = 2
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; its exit status is 0 all there, 1 something failed, 2 wrong call, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--version"]:
        sys.stdout.write(f"evalsuite {__version__}\n")
        return 0
    verb = words.pop(0) if words and words[0] in VERBS else "run"
    module, _, function = VERBS[verb][0].partition(":")
    try:
        status = getattr(importlib.import_module(module), function)(words)
    except UserError as error:
        sys.stderr.write(f"evalsuite: {error.render()}\n")
        return EXIT_WRONG
    except KeyboardInterrupt:
        sys.stderr.write("evalsuite: interrupted\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return 1
    return int(status)


def parser(verb: str, description: str) -> argparse.ArgumentParser:
    """The argument parser of a verb; wrong words end the program with status 2."""
    name = "evalsuite" if verb == "run" else f"evalsuite {verb}"
    epilog = None
    if verb == "run":
        width = max(map(len, VERBS))
        lines = [f"  {name.ljust(width)}  {text}" for name, (_, text) in VERBS.items()]
        epilog = "verbs (evalsuite VERB --help):\n" + "\n".join(lines)
    return argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
