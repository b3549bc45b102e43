"""How programs end at each level of isolation; also a program of its own, to run as another user."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from evalsuite.sandbox import Limits, Sandbox
from evalsuite.sandbox.outcome import Isolation

PROGRAMS = {
    "ends well": "print(1)",
    "exit code": "import sys; sys.exit(3)",
    "exception": "1 / 0",
    "abort": "import os; os.abort()",
    "children left": "import os, time\nfor _ in range(4):\n"
    "    if os.fork() == 0: time.sleep(60)\nos._exit(4)",
    "endless": "while True: pass",
}
EXPECTED = {
    "ends well": "pass",
    "exit code": "fail",
    "exception": "fail",
    "abort": "crash",
    "children left": "fail",
    "endless": "timeout",
    "shell": "fail",
    "call": "fail",
    "call that dies": "fail",
    "tests": "fail",
    "tests left early": "fail",
}


def drive(level: Isolation) -> Iterator[dict[str, Any]]:
    """One row per program."""

    def check(f: Any) -> None:
        assert f() == 1

    with Sandbox(1, min_level="weak", level=level) as sandbox:
        for name, source in PROGRAMS.items():
            outcome = sandbox.program(source, limits=Limits(cpu_s=1, wall_s=20))
            yield {"what": name, "status": outcome.status, "detail": outcome.detail}
        for name, outcome in (
            ("shell", sandbox.language("bash", "exit 1")),
            ("call", sandbox.calls("def f(): return 2", "f", check)),
            ("call that dies", sandbox.calls("import os\ndef f(): os._exit(0)", "f", check)),
            ("tests", sandbox.inproc("def f(): return 2", "assert f() == 1")),
            ("tests left early", sandbox.inproc("import os\ndef f(): os._exit(0)", "assert f() == 1")),
        ):
            yield {"what": name, "status": outcome.status, "detail": outcome.detail}


if __name__ == "__main__":
    for row in drive(sys.argv[1]):  # type: ignore[arg-type]
        print(json.dumps(row), flush=True)
