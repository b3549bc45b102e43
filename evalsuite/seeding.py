"""Puts the plan's tasks into the queues, at the start of a run and when some were lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from evalsuite.plan import EVAL_QUEUE, Pair, Plan, TaskFinder
from evalsuite.store.answers import attempts_of, merged_rows, score_file, shard_files, shard_name
from evalsuite.store.entries import Entry
from evalsuite.store.folder import RunFolder
from evalsuite.store.leases import Queue, batches, seed_tasks
from evalsuite.types import Stage, Task

Answered = Mapping[tuple[str, str], int]
"""For (queue, task): how many attempts at its answers there were."""


class Seeder:
    """Knows which tasks of the plan belong into which queue, and in what state.

    It reads whole queues, so it works when a run starts, and later only when something is over.
    """

    def __init__(self, folder: RunFolder, plan: Plan, mode: str) -> None:
        """In mode `eval` all is judged as it is; else what is not answered yet waits for its answers."""
        self._folder = folder
        self._plan = plan
        self._judge_now = mode == "eval"
        self._judge_ever = mode != "infer"
        self._batches: dict[str, Mapping[str, str]] = {}

    def seed(self, recover: Callable[[str, Queue], None], say: Callable[[str], None]) -> None:
        """What is done stays done, what failed gets another chance, what the plan lost is withdrawn.

        `recover` takes back what workers of an earlier driver held in a queue; `say` is told what was amiss.
        """
        again = 0
        for model in self._plan.models:
            queue = self._folder.queue(model.queue)
            queue.create()
            recover(model.queue, queue)
            batch_of = self._batch_of(model.queue)
            queue.reopen("failed", batch_of)
            again += queue.reopen(
                "done", batch_of, lambda entry: not entry.outcome or bool(entry.outcome.failed)
            )
            queue.withdraw(batch_of)
            seed_tasks(queue, self._infer_entries(model.abbr))
        if again and not self._judge_now:
            say(
                f"answers failed in {again} of the tasks: they are asked again; "
                "all others, and their verdicts, are kept and count once the task is done again"
            )
        queue = self._folder.queue(EVAL_QUEUE)
        queue.create()
        recover(EVAL_QUEUE, queue)
        ready, waiting = self._eval_entries(self._answered("done"))
        queue.withdraw(self._batch_of(EVAL_QUEUE))
        queue.hold_back(waiting)
        queue.reopen("failed", self._batch_of(EVAL_QUEUE))
        self.reopen_torn(say)
        if self._judge_ever:
            for entry in ready:
                queue.promote(entry)
            seed_tasks(queue, ready, waiting)

    def put_back(self, name: str, queue: Queue) -> tuple[int, int]:
        """How many tasks of a queue are not over, and how many of them were in no state at all.

        Those (somebody deleted their files) are put in again: no sample is lost.
        """
        left = set(self._batch_of(name)) - queue.names("done") - queue.names("failed")
        if not left:
            return 0, 0
        if name != EVAL_QUEUE:
            model = next(model.abbr for model in self._plan.models if model.queue == name)
            return len(left), seed_tasks(queue, self._infer_entries(model))
        return len(left), seed_tasks(queue, *self._eval_entries(self._answered("done", "failed")))

    def release(self) -> None:
        """What waits although the task that it rests on is over, well or badly, becomes ready."""
        queue = self._folder.queue(EVAL_QUEUE)
        waiting = queue.names("waiting")
        for entry in self._eval_entries(self._answered("done", "failed"))[0] if waiting else ():
            if entry.name in waiting:
                queue.promote(entry)

    def reopen_torn(self, say: Callable[[str], None]) -> int:
        """Score files that are not as the marks of their tasks say are made again; how many it were."""
        if not self._judge_ever:
            return 0
        tasks = TaskFinder(self._plan.pairs, "eval")
        torn: set[str] = set()
        for entry in self._folder.queue(EVAL_QUEUE).entries("done"):
            found = tasks.find(entry.name)
            if found is not None and not self._is_whole(entry, *found):
                torn.add(entry.name)
        if torn:
            queue = self._folder.queue(EVAL_QUEUE)
            queue.reopen("done", self._batch_of(EVAL_QUEUE), lambda entry: entry.name in torn)
            say(f"{len(torn)} score files are not as they were left; they are made again")
        return len(torn)

    def reopen_lost_answers(self, say: Callable[[str], None]) -> int:
        """Answers that are not there any more when they are judged are asked again; in how many slices."""
        if self._judge_now or not self._judge_ever:
            return 0
        queue = self._folder.queue(EVAL_QUEUE)
        judged = {entry.name: entry.outcome.rows for entry in queue.entries("done") if entry.outcome}
        answered = {
            (model.queue, entry.name): entry
            for model in self._plan.models
            for entry in self._folder.queue(model.queue).entries("done")
        }
        if sum(judged.values()) >= sum(e.outcome.rows for e in answered.values() if e.outcome):
            return 0
        lost: dict[str, set[str]] = {}
        unjudged: set[str] = set()
        for pair in self._plan.pairs:
            for infer, task in zip(pair.tasks("infer"), pair.tasks("eval"), strict=True):
                entry = answered.get((infer.queue, infer.name))
                wanted = entry.outcome.rows if entry and entry.outcome else 0
                few = judged.get(task.name, wanted) < wanted
                if entry and few and self._rows_left(pair, infer, entry) < wanted:
                    lost.setdefault(infer.queue, set()).add(infer.name)
                    unjudged.add(task.name)
        queue.hold_back(unjudged)
        for name, tasks in lost.items():
            self._folder.queue(name).reopen("done", {task: self._batch_of(name)[task] for task in tasks})
        if unjudged:
            say(f"answers of {len(unjudged)} slices are not there any more; they are asked again")
        return len(unjudged)

    def _rows_left(self, pair: Pair, task: Task, entry: Entry) -> int:
        folder = self._folder.predictions(pair.model, pair.dataset)
        return len(
            merged_rows(folder, shard_name(task.start, task.stop, pair.fingerprint), entry.attempts + 1)
        )

    def _is_whole(self, entry: Entry, pair: Pair, start: int, stop: int) -> bool:
        shard = shard_name(start, stop, pair.eval_fingerprint)
        wanted = entry.outcome.size if entry.outcome else -1
        try:
            path = self._folder.scores(pair.model, pair.dataset) / score_file(shard, entry)
            return path.stat().st_size == wanted
        except FileNotFoundError:
            return wanted == 0

    # ------------------------------------------------------------------ entries
    def _batch_of(self, name: str) -> Mapping[str, str]:
        if name not in self._batches:
            stage: Stage = "eval" if name == EVAL_QUEUE else "infer"
            tasks = (t for p in self._plan.pairs if p.queue(stage) == name for t in p.tasks(stage))
            kind = EVAL_QUEUE if name == EVAL_QUEUE else ""
            self._batches[name] = batches((task.name, kind or task.verb, task.cost) for task in tasks)
        return self._batches[name]

    def _infer_entries(self, model: str) -> Iterator[Entry]:
        """A model's tasks as if the queue knew nothing of them; their rows may be on the disk even so."""
        for pair in self._plan.pairs:
            if pair.model == model:
                attempts = self._attempts(pair)
                for task in pair.tasks("infer"):
                    batch = self._batch_of(task.queue)[task.name]
                    yield Entry(task.name, attempts=attempts(task.start, task.stop), batch=batch)

    def _eval_entries(self, answered: Answered) -> tuple[list[Entry], set[str]]:
        """The eval tasks that can be worked on, and the names of those that cannot yet."""
        ready: list[Entry] = []
        waiting: set[str] = set()
        for pair in self._plan.pairs:
            attempts = self._attempts(pair) if self._judge_now else None
            scores = shard_files(self._folder.scores(pair.model, pair.dataset))
            for infer, task in zip(pair.tasks("infer"), pair.tasks("eval"), strict=True):
                answers = answered.get((infer.queue, infer.name))
                if answers is None and attempts is not None:
                    answers = attempts(infer.start, infer.stop)
                if answers is None:
                    waiting.add(task.name)
                    continue
                shard = shard_name(task.start, task.stop, pair.eval_fingerprint)
                batch = self._batch_of(EVAL_QUEUE)[task.name]
                ready.append(Entry(task.name, 0, attempts_of(scores.get(shard, ())), answers, batch))
        return ready, waiting

    def _answered(self, *states: str) -> Answered:
        """The infer tasks that are over in one of these ways, with the number of attempts at them."""
        return {
            (model.queue, entry.name): entry.attempts + (state == "done")
            for model in self._plan.models
            for state in states
            for entry in self._folder.queue(model.queue).entries(state)
        }

    def _attempts(self, pair: Pair) -> Callable[[int, int], int]:
        """How many attempts at the answers of a slice left rows; the folder is listed once."""
        rows = shard_files(self._folder.predictions(pair.model, pair.dataset))

        def attempts(start: int, stop: int) -> int:
            names: Sequence[str] = rows.get(shard_name(start, stop, pair.fingerprint), ())
            return attempts_of(names)

        return attempts
