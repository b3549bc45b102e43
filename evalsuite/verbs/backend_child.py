"""A model in a process of its own, which may be another interpreter: answers the jobs of a file.

python -m evalsuite.verbs.backend_child JOBS.json TOLD.json; a job is {"type", "settings", "verb",
"requests"}, where the verb is generate, loglikelihood, or ids (the token ids of the prompts). A model is held
as long as the next job asks for the same one.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalsuite.registry import load
from evalsuite.types import Message, Request, Sampling


def main(asked: str, told: str) -> None:
    """Answer every job, then write all down."""
    results: list[Any] = []
    name, model = "", None
    for job in json.loads(Path(asked).read_text(encoding="utf-8")):
        wanted = json.dumps([job["type"], job["settings"]])
        if wanted != name:
            if model is not None:
                model.close()
            name, model = wanted, load(job["type"])(**job["settings"])
        results.append(_answer(model, job["verb"], [request_of(one) for one in job["requests"]]))
    Path(told).write_text(json.dumps(results), encoding="utf-8")


def _answer(model: Any, verb: str, requests: Sequence[Request]) -> dict[str, Any]:
    if verb == "ids":
        return {"ids": model.prompts.ids([(request.prompt, ()) for request in requests])}
    started = time.process_time()
    answers = [asdict(answer) for answer in getattr(model, verb)(iter(requests))]
    return {"answers": answers, "cpu": time.process_time() - started, "facts": asdict(model.facts())}


def request_of(one: Mapping[str, Any]) -> Request:
    """A request as it stands in a job."""
    prompt = one["prompt"]
    if not isinstance(prompt, str):
        prompt = tuple(Message(**message) for message in prompt)
    sampling = {**one.get("sampling", {})}
    sampling["stop"] = tuple(sampling.get("stop", ()))
    continuations = tuple(one.get("continuations", ()))
    return Request(one["key"], prompt, Sampling(**sampling), continuations, repeat=one.get("repeat", 0))


if __name__ == "__main__":
    main(*sys.argv[1:])
