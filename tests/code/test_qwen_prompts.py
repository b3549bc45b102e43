"""The questions of Qwen's instruct table: what is asked, and where the answer is begun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LAST = {
    "humaneval_qwen": ("[assistant] ```python", "Python algorithmic solutions"),
    "mbpp_qwen": ("[assistant] ```python", "Python algorithmic solutions"),
    "bigcodebench_qwen": (
        "[assistant] Below is a Python script with a self-contained function that solves the problem and "
        "passes corresponding tests:\n```python",
        "[user] Please provide a self-contained Python script",
    ),
}


def shown_prompts(bench_data: Path, config: str) -> list[str]:
    """The prompts that `show` shows, the first of each dataset of a config."""
    shown = subprocess.run(
        [sys.executable, "-m", "evalsuite", "show", "hf_demo_m_chat", config],
        cwd=ROOT,
        env={**os.environ, "EVALSUITE_DATA": str(bench_data)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [
        "\n".join(line[5:] for line in part.splitlines() if line.startswith("   | "))
        for part in shown.split("-- sample ")[1:]
    ]


@pytest.mark.parametrize("config", list(LAST))
def test_the_assistants_turn_is_begun_for_it(bench_data: Path, config: str) -> None:
    begun, word = LAST[config]
    prompts = shown_prompts(bench_data, config)
    assert prompts
    for prompt in prompts:
        assert word in prompt
        assert prompt.endswith(f"```\n\n{begun}\n")


def test_the_question_of_multipl_e_names_the_language_as_published(bench_data: Path) -> None:
    shown = shown_prompts(bench_data, "multipl_e_chat")
    words = "Here is the given code to do completion:\n```"
    names = {prompt.partition(words)[2].partition("\n")[0] for prompt in shown}
    assert names == {"python", "cpp", "java", "php", "ts", "cs", "sh", "js", "go", "rs"}


def test_cruxeval_is_asked_without_a_turn(bench_data: Path) -> None:
    prompts = shown_prompts(bench_data, "cruxeval_qwen")
    assert len(prompts) == 4
    assert all(prompt.startswith("You ") and prompt.rstrip().endswith("]") for prompt in prompts)
