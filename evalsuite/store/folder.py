"""The run folder: where everything of one run lies, and the only place that knows the names."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.store.files import read_json, safe_name, write_json
from evalsuite.store.leases import Queue

STAMP_FORMAT = "%Y%m%d_%H%M%S"
_STAMP = re.compile(r"\d{8}_\d{6}(_\d+)?$")


class RunFolder:
    """Paths and small files of one run; rows, leases and locks have modules of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told: set[str] = set()

    @property
    def stamp(self) -> str:
        """The name of the run: when it was first started."""
        return self.path.name

    # ------------------------------------------------------------------ making and finding
    @classmethod
    def create(cls, parent: Path) -> RunFolder:
        """A new run folder under `parent`, named after this moment; two at once get two folders."""
        stamp = datetime.now().strftime(STAMP_FORMAT)
        for attempt in range(1000):
            path = parent / (stamp if not attempt else f"{stamp}_{attempt}")
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise UserError(f"cannot create the run folder: {error.strerror}", where=str(path)) from error
            return cls(path)
        raise UserError("cannot find a free name for the run folder", where=str(parent))

    @classmethod
    def find(cls, parent: Path, stamp: str) -> RunFolder:
        """The run of that stamp (or the `latest`) under `parent`; a path to a run folder works as well."""
        runs = [path.name for path in list_runs(parent)]
        if stamp == "latest":
            if not runs:
                raise UserError("there is no earlier run to resume", where=str(parent))
            return cls(parent / runs[-1])
        for path in (parent / stamp, Path(stamp)):
            if path.is_dir() and is_run(path):
                return cls(path)
        raise UserError(
            f"no run {stamp!r}",
            where=str(parent),
            expected=f"one of {', '.join(runs[-5:])}" if runs else "a run folder",
            nearest=nearest_name(stamp, runs),
        )

    # ------------------------------------------------------------------ parts
    @property
    def tasks(self) -> Path:
        """Where plan, leases and marks lie."""
        return self.path / "tasks"

    @property
    def plan_file(self) -> Path:
        """The plan that workers read."""
        return self.tasks / "plan.json"

    @property
    def lock_file(self) -> Path:
        """The lock of the run's driver."""
        return self.path / "driver.lock"

    @property
    def manifest_file(self) -> Path:
        """Versions, hosts, seeds, hashes: what a number needs to be believed later."""
        return self.path / "manifest.json"

    @property
    def logs(self) -> Path:
        """One log for each job, appended and never truncated."""
        return self.path / "logs"

    @property
    def told_file(self) -> Path:
        """What the user was told while the run went on, a line each."""
        return self.logs / "told.txt"

    def tell(self, text: str) -> None:
        """Keep a line for those who come back to this run later."""
        line = f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}"
        self._told.add(line)
        self.logs.mkdir(exist_ok=True)
        with self.told_file.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def told(self) -> list[str]:
        """The lines that were kept so."""
        try:
            return self.told_file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def news(self) -> list[str]:
        """The lines that others kept since this was asked last."""
        new = [line for line in self.told() if line not in self._told]
        self._told.update(new)
        return new

    def queue(self, name: str) -> Queue:
        """The queue of one kind of worker."""
        return Queue(self.tasks / safe_name(name))

    def predictions(self, model: str, dataset: str) -> Path:
        """Where the answers of a (model x dataset) lie."""
        return self.path / "predictions" / safe_name(model) / safe_name(dataset)

    def scores(self, model: str, dataset: str) -> Path:
        """Where the scores of a (model x dataset) lie."""
        return self.path / "scores" / safe_name(model) / safe_name(dataset)

    def result_file(self, model: str, dataset: str) -> Path:
        """The metrics and counts of a (model x dataset)."""
        return self.path / "results" / safe_name(model) / f"{safe_name(dataset)}.json"

    def summary_file(self, suffix: str) -> Path:
        """The summary table in one format."""
        return self.path / "summary" / f"summary_{self.stamp}.{suffix}"

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Keep what is known about this run; a resumed run adds to `sessions` and replaces the rest."""
        earlier = read_json(self.manifest_file, {})
        sessions = [*earlier.get("sessions", []), manifest.pop("session")]
        write_json(self.manifest_file, {**manifest, "sessions": sessions})

    def siblings(self) -> Sequence[RunFolder]:
        """The other runs of the same work directory, the newest first: their answers may be reused."""
        return [RunFolder(path) for path in reversed(list_runs(self.path.parent)) if path != self.path]


def expect_work_dir(place: Path) -> None:
    """Refuse a place that cannot hold run folders before anything is read there; it need not exist yet."""
    wrong = ""
    try:
        if not stat.S_ISDIR(place.stat().st_mode):
            wrong = "it is no folder"
        elif not os.access(place, os.R_OK | os.X_OK):
            wrong = os.strerror(errno.EACCES)
    except FileNotFoundError:
        return
    except OSError as error:
        wrong = error.strerror or str(error)
    if wrong:
        raise UserError(
            f"this cannot be a work directory: {wrong}",
            where=str(place),
            expected="a folder that you may enter and read, or a name for a new one",
        )


def is_run(path: Path) -> bool:
    """Whether a folder is a run of ours."""
    return (path / "tasks").is_dir() or (path / "manifest.json").exists()


def list_runs(parent: Path) -> list[Path]:
    """The run folders of a work directory, the oldest first."""
    try:
        with os.scandir(parent) as entries:
            found = [Path(entry.path) for entry in entries if entry.is_dir() and _STAMP.match(entry.name)]
    except FileNotFoundError:
        return []
    return sorted(path for path in found if is_run(path))


def iter_dataset_folders(root: Path) -> Iterator[tuple[str, str, Path]]:
    """The (model, dataset, folder) triples under `predictions` or `scores`."""
    for model in sorted(root.iterdir()) if root.is_dir() else []:
        for dataset in sorted(model.iterdir()):
            yield model.name, dataset.name, dataset
