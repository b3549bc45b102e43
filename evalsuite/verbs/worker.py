"""`evalsuite worker`: be one worker of a run, started by hand or by any scheduler."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from evalsuite.cli import parser


def main(argv: Sequence[str]) -> int:
    """Pull tasks of one class from a run folder until none is left."""
    options = parser("worker", "Pull tasks of one class from a run folder until none is left.")
    options.add_argument("--run", required=True, help="the run folder")
    options.add_argument("--class", dest="queue", required=True, help="infer-MODEL or eval")
    options.add_argument("--owner", default="", help="the name of this worker (default: host, process)")
    words = options.parse_args(list(argv))
    from evalsuite.worker import main as work

    owner = words.owner or f"{socket.gethostname().split('.')[0]}-{os.getpid()}-{os.urandom(2).hex()}"
    if os.environ.get("SLURM_RESTART_COUNT"):
        from evalsuite.cluster import incarnation
        from evalsuite.store.folder import RunFolder

        owner = incarnation(owner, RunFolder(Path(words.run)), words.queue)
    return work([words.run, words.queue, owner])
