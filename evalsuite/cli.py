"""Flags to verbs, nothing else. A verb's work lies in its own module and is imported when it is called."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from evalsuite import __version__
from evalsuite.errors import UserError, nearest_name

VERBS = {
    "run": ("evalsuite.launch:main", "evaluate the models of a config (the default verb)"),
    "list": ("evalsuite.verbs.listing:main", "configs by name or pattern"),
    "show": ("evalsuite.verbs.show:main", "the first rendered prompts of a model x dataset"),
    "check": ("evalsuite.verbs.check:main", "check a config without starting anything"),
    "score": ("evalsuite.verbs.score:main", "grade answers that were produced elsewhere"),
    "status": ("evalsuite.verbs.status:main", "how far a run is"),
    "attach": ("evalsuite.verbs.attach:main", "continue with a run whose workers are on a cluster"),
    "worker": ("evalsuite.verbs.worker:main", "be a worker of a run (any scheduler can start these)"),
    "data": ("evalsuite.verbs.data:main", "benchmark files: list, fetch, verify"),
    "doctor": ("evalsuite.verbs.doctor:main", "what this machine can do"),
}
EXIT_FAILED = 1
EXIT_WRONG = 2
EXIT_INTERRUPTED = 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""What a place itself has against being used; that one is not there would be for us to foresee."""


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
        return EXIT_FAILED
    except OSError as error:
        if error.errno in _CLOSED and isinstance(error.filename, (str, bytes)):
            sys.stderr.write(f"evalsuite: {os.fsdecode(error.filename)}: {error.strerror}\n")
            return EXIT_WRONG
        if error.errno not in _NO_ROOM:
            raise
        where = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"evalsuite: {error.strerror}{where}; what was written before stays. ")
        sys.stderr.write("With room again, the same command with -r goes on\n")
        return EXIT_FAILED
    return int(status)


class _Parser(argparse.ArgumentParser):
    """A wrong word is told in one line with the nearest right one, not below a screen of usage."""

    def _verb(self) -> str:
        return self.prog.removeprefix("evalsuite").strip()

    def error(self, message: str) -> NoReturn:
        raise UserError(message.removeprefix("argument "), where=self._verb(), expected="what --help lists")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            flag = unknown[0].partition("=")[0]
            raise UserError(
                f"there is no flag {flag}" if flag.startswith("-") else f"one word too many: {flag!r}",
                where=self._verb(),
                expected="what --help lists",
                nearest=nearest_name(flag, self._option_string_actions),
            )
        return found

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            raise UserError(
                f"{'/'.join(action.option_strings) or action.dest}: {value!r} is none of its values",
                where=self._verb(),
                expected=" or ".join(names),
                nearest=nearest_name(str(value), names),
            )


def parser(verb: str, description: str) -> argparse.ArgumentParser:
    """The argument parser of a verb; wrong words end the program with status 2."""
    name = "evalsuite" if verb == "run" else f"evalsuite {verb}"
    epilog = None
    if verb == "run":
        width = max(map(len, VERBS))
        lines = [f"  {name.ljust(width)}  {text}" for name, (_, text) in VERBS.items()]
        epilog = "verbs (evalsuite VERB --help):\n" + "\n".join(lines)
    return _Parser(
        prog=name,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def at_least(least: int) -> Callable[[str], int]:
    """The type of a flag whose number may not be smaller than this."""

    def read(word: str) -> int:
        if not word.removeprefix("-").isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f"{word!r} is no whole number of {least} or more")
        return int(word)

    return read
