"""Runs in vLLM's own environment: answers the requests of a file and writes the answers down.

python vllm_probe.py JOBS.json ANSWERS.json; a job is {"type", "settings", "verb", "requests"}.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer every job with one engine per distinct model."""
    from evalsuite.models import vllm
    from evalsuite.types import Message, Request, Sampling

    jobs = json.loads(Path(sys.argv[1]).read_text())
    results: list[Any] = []
    held: dict[str, Any] = {}
    for job in jobs:
        name = json.dumps([job["type"], job["settings"]])
        if name not in held:
            for model in held.values():
                model.close()
            held = {name: getattr(vllm, job["type"])(**job["settings"])}
        model = held[name]
        requests = []
        for one in job["requests"]:
            prompt = one["prompt"]
            if not isinstance(prompt, str):
                prompt = tuple(Message(**message) for message in prompt)
            sampling = {**one.get("sampling", {})}
            sampling["stop"] = tuple(sampling.get("stop", ()))
            requests.append(
                Request(
                    one["key"],
                    prompt,
                    Sampling(**sampling),
                    tuple(one.get("continuations", ())),
                    repeat=one.get("repeat", 0),
                )
            )
        started = time.process_time()
        answers = [dataclasses.asdict(answer) for answer in getattr(model, job["verb"])(iter(requests))]
        facts = dataclasses.asdict(model.facts())
        results.append({"answers": answers, "facts": facts, "cpu": time.process_time() - started})
    Path(sys.argv[2]).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
