"""Runs in lm-evaluation-harness's own environment: what its transformers model says to a file of requests.

python lmeval_probe.py JOB.json ANSWERS.json; a job is {"model", "batch_size", "loglikelihood", "generate"}.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Score the pairs, generate the texts, note the CPU-seconds of each."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(1)
    model = HFLM(
        pretrained=job["model"],
        device="cpu",
        dtype="float32",
        batch_size=job["batch_size"],
        **job.get("options", {}),
    )
    result = {}
    started = time.process_time()
    pairs = [
        Instance("loglikelihood", {}, (context, continuation), at)
        for at, (context, continuation) in enumerate(job["loglikelihood"])
    ]
    result["loglikelihood"] = model.loglikelihood(pairs, disable_tqdm=True) if pairs else []
    result["loglikelihood_cpu"] = time.process_time() - started
    started = time.process_time()
    texts = [
        Instance("generate_until", {}, (context, settings), at)
        for at, (context, settings) in enumerate(job["generate"])
    ]
    result["generate"] = model.generate_until(texts, disable_tqdm=True) if texts else []
    result["generate_cpu"] = time.process_time() - started
    Path(sys.argv[2]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
