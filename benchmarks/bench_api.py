"""What calling a server costs: this program's client beside a bare aiohttp loop, in the same run.

`python benchmarks/bench_api.py [--samples 2000] [--latency 0.05] [--concurrency 64 512]` starts a server that
answers after the latency, runs both clients as whole programs of their own (so imports count), and prints
their CPU-seconds, peak memory and the span from first request to last answer. `--flat 200000` runs this
program's client alone over that many samples and prints its memory at every tenth. `--whole` measures all of
`run.py` on a dataset of that many samples: reading, planning, a worker, rows on disk, scores and the table.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SERVER = ROOT / "tests" / "models_remote" / "storm_server.py"
PROMPT = "Write a function that returns the number of vowels in a string. " * 4


def ours(port: int, samples: int, concurrency: int, steps: int) -> dict[str, Any]:
    """Our client over a lazy stream of requests; memory is taken as answers pass."""
    from evalsuite.models.openai import OpenAIModel
    from evalsuite.types import Message, Request

    def stream() -> Iterator[Request]:
        for number in range(samples):
            yield Request(str(number), (Message("user", f"{number} {PROMPT}"),))

    model = OpenAIModel(
        "m", base_url=f"http://127.0.0.1:{port}/v1", key="EMPTY", concurrency=concurrency or None
    )
    memory = []
    started = time.monotonic()
    done = 0
    for answer in model.generate(stream()):
        assert answer.error is None, answer.error
        assert answer.text.startswith(f"{answer.key} Write")
        done += 1
        if steps and done % (samples // steps) == 0:
            memory.append(_resident_mb())
    span = time.monotonic() - started
    assert done == samples
    return {"span": span, "memory": memory}


def bare_aiohttp(port: int, samples: int, concurrency: int, steps: int) -> dict[str, Any]:
    """The least that aiohttp can do: a semaphore, a gather, nothing kept."""
    import asyncio

    import aiohttp

    async def run() -> float:
        gate = asyncio.Semaphore(concurrency)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(number: int) -> None:
                body = {"model": "m", "messages": [{"role": "user", "content": f"{number} {PROMPT}"}]}
                url = f"http://127.0.0.1:{port}/v1/chat/completions"
                async with gate, session.post(url, json=body) as response:
                    data = await response.json()
                    assert data["choices"][0]["message"]["content"].startswith(f"{number} Write")

            started = time.monotonic()
            await asyncio.gather(*(one(number) for number in range(samples)))
            return time.monotonic() - started

    return {"span": asyncio.run(run()), "memory": []}


WHOLE_CONFIG = """
models = [dict(type='OpenAI', abbr='api', path='m', key='EMPTY', openai_api_base='http://127.0.0.1:{port}/v1',
               max_out_len=64, concurrency={concurrency})]
datasets = [dict(type='JsonlDataset', abbr='sums', path={data!r},
                 reader_cfg=dict(input_columns=['question'], output_column='answer'),
                 infer_cfg=dict(prompt_template=dict(type='PromptTemplate', template='{{question}}'),
                                retriever=dict(type='ZeroRetriever'), inferencer=dict(type='GenInferencer')),
                 eval_cfg=dict(evaluator=dict(type='AccEvaluator')))]
"""


def _span(port: int) -> float:
    """From the first request's arrival to the last answer, as the server saw them since it was asked last."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/span", timeout=10) as response:
        return float(json.load(response)["span"])


def _compare_whole(port: int, samples: int, concurrency: int, repeat: int) -> None:
    """The program beside the bare loop, in turns; the medians of their spans.

    The bare loop's span is its own, from its first request to its last answer. It opens all its connections
    before it sends anything, which the server does not see as part of its span; both views are printed.
    """
    ours, bare, seen = [], [], []
    _span(port)
    for _ in range(repeat):
        _whole(port, samples, concurrency)
        ours.append(_span(port))
        bare.append(_measure("aiohttp", port, samples, concurrency)["span"])
        seen.append(_span(port))
    span, loop, served = (statistics.median(times) for times in (ours, bare, seen))
    print(f"  first request to last answer: {span:.2f} s, the bare loop's {loop:.2f} s, {span / loop:.2f}")
    print(f"  as the server sees the bare loop: {served:.2f} s, {span / served:.2f}")


def _whole(port: int, samples: int, concurrency: int) -> None:
    """The program as a user starts it: CPU of all its processes, memory of the largest."""
    with tempfile.TemporaryDirectory() as folder:
        data, config = Path(folder, "sums.jsonl"), Path(folder, "eval_sums.py")
        rows = ({"id": n, "question": f"{n} {PROMPT}", "answer": f"{n} {PROMPT}"} for n in range(samples))
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        config.write_text(WHOLE_CONFIG.format(port=port, concurrency=concurrency, data=str(data)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.monotonic()
        command = [sys.executable, str(ROOT / "run.py"), str(config), "-w", str(Path(folder, "out"))]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        total = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"run.py, {samples} samples at {concurrency}: CPU {cpu:.2f} s, peak of one process "
        f"{after.ru_maxrss / 1024:.0f} MB, {total:.1f} s from start to end"
    )


CLIENTS = {"evalsuite": ours, "aiohttp": bare_aiohttp}


def _resident_mb() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def _client(name: str, port: int, samples: int, concurrency: int, steps: int) -> None:
    """The body of a client's process: run, then tell what it cost since the interpreter started."""
    found = CLIENTS[name](port, samples, concurrency, steps)
    used = resource.getrusage(resource.RUSAGE_SELF)
    found["cpu"] = used.ru_utime + used.ru_stime
    found["peak"] = used.ru_maxrss / 1024
    print(json.dumps(found))


def _measure(name: str, port: int, samples: int, concurrency: int, steps: int = 0) -> dict[str, Any]:
    arguments = [name, str(port), str(samples), str(concurrency), str(steps)]
    done = subprocess.run(
        [sys.executable, __file__, "--client", *arguments], stdout=subprocess.PIPE, check=True, cwd=ROOT
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Start the server, measure, print."""
    if sys.argv[1:2] == ["--client"]:
        sys.path.insert(0, str(ROOT))
        name, *numbers = sys.argv[2:]
        _client(name, *map(int, numbers))
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--concurrency", type=int, nargs="*", default=[64, 512])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--flat", type=int, default=0, help="samples of a memory run")
    parser.add_argument("--whole", action="store_true", help="measure run.py as a whole")
    options = parser.parse_args()
    with subprocess.Popen(
        [sys.executable, str(SERVER), str(options.latency)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        if options.flat:
            found = _measure("evalsuite", port, options.flat, 512, 10)
            memory = [round(mb, 1) for mb in found["memory"]]
            print(f"{options.flat} samples: resident MB at each tenth {memory}")
            print(f"CPU {found['cpu']:.1f} s, peak {found['peak']:.0f} MB, span {found['span']:.1f} s")
        elif options.whole:
            for concurrency in options.concurrency:
                _compare_whole(port, options.samples, concurrency, options.repeat)
        else:
            _compare(port, options)
        assert server.stdin is not None
        server.stdin.close()


def _compare(port: int, options: argparse.Namespace) -> None:
    print(f"{options.samples} samples, server {options.latency * 1000:.0f} ms, best span of {options.repeat}")
    print("concurrency  client      CPU s  peak MB   span s  span ratio")
    for concurrency in options.concurrency:
        best: dict[str, dict[str, Any]] = {}
        for _ in range(options.repeat):
            for name in CLIENTS:
                found = _measure(name, port, options.samples, concurrency)
                if name not in best or found["span"] < best[name]["span"]:
                    best[name] = found
        for name, found in best.items():
            ratio = found["span"] / best["aiohttp"]["span"]
            print(
                f"{concurrency:11d}  {name:10s} {found['cpu']:6.2f}  {found['peak']:7.1f}  "
                f"{found['span']:7.3f}  {ratio:10.2f}"
            )


if __name__ == "__main__":
    main()
