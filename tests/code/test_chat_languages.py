"""MultiPL-E answers in the ways chat models give them: a program that passes stays one that passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from made import given, lines_gz, read_gz

from evalsuite.datasets.multipl_e import MultiPLE
from evalsuite.evaluators.code.multipl_e import MultiPLEEvaluator
from evalsuite.sandbox import languages

# How a function ends where its continuation was cut off, and the words that models write on fences.
ENDS = {"cpp": "\n}\n", "java": "\n    }\n}\n", "cs": "\n    }\n}\n", "sh": "\n}\n"}
WORDS = {
    "cpp": ("cpp", "c++", "C++"),
    "java": ("java", "Java", ""),
    "cs": ("csharp", "cs", "C#"),
    "sh": ("bash", "sh", "shell"),
    "js": ("javascript", "js", "JavaScript"),
    "ts": ("typescript", "ts", "TypeScript"),
    "php": ("php", "PHP", ""),
}
FAILING_AS_PUBLISHED = {"cpp": {"the part that was missing"}, "php": {"under a list"}}
"""What no published rule looks for."""
SLOW = ("cpp", "java", "cs", "ts")


def ways(language: str, code: str, body: str) -> dict[str, str]:
    """One program, said in many ways."""
    word, other, third = WORDS[language]
    fenced = f"```{word}\n{code}```"
    found = {
        "prose": f"Sure!\n\n{fenced}\n\nThis works.",
        "another word, an end of turn": f"```{other}\n{code}```<|im_end|>",
        "carriage returns": f"```{third}\n{code}```".replace("\n", "\r\n"),
        "a thought": f"<think>\n```{word}\nbad {{ \n```\n</think>\n{fenced}",
        "no fence": code,
        "unclosed": f"Here:\n```{word}\n{code}",
        "two blocks": f"{fenced}\nUsage:\n```{word}\nfoo();\n```",
        "a mark of the file's beginning": f"\ufeff{fenced}",
        "tildes": f"~~~{word}\n{code}~~~\n",
        "under a list": "1. Code:\n\n" + "".join(f"   {line}\n" for line in fenced.split("\n")),
        "the part that was missing": f"```{word}\n{body}```",
    }
    open_end = code.rstrip()[:-1]
    if language == "cpp":
        main = "int main() {\n    if (1) { return 0; }\n    return 1;\n}\n"
        found["a main"] = f"```cpp\n#include <bits/stdc++.h>\nusing namespace std;\n{code}\n{main}```"
    if language == "java":
        main = "    public static void main(String[] args) {\n        System.exit(1);\n    }\n}\n"
        found["a main"] = f"```java\n{open_end.replace('class Problem', 'public class Problem')}\n{main}```"
        found["no class"] = f"```java\n{open_end.partition('class Problem {')[2]}\n```"
    if language == "cs":
        main = "    public static void Main(string[] args) {\n        Console.WriteLine(1);\n    }\n}\n"
        found["a main"] = f"```csharp\n{open_end}\n{main}```"
    return found


@pytest.mark.parametrize(
    "language", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in WORDS]
)
def test_a_program_passes_in_whatever_way_it_is_said(bench_data: Path, answers: Path, language: str) -> None:
    if not languages()["bash" if language == "sh" else language].installed:
        pytest.skip(f"no {language} here")
    data = str(bench_data / "multipl_e" / f"humaneval-{language}.jsonl.gz")
    samples = {each.id: each for each in MultiPLE(language, data).samples()}
    details = read_gz(answers / "multipl-e" / f"humaneval-{language}-details.json.gz")
    rows = lines_gz(answers / "multipl-e" / f"pred_{language}_output.jsonl.gz")
    row = [row for row in rows if details[row["task_id"]][0][1]["passed"]][3]
    problem = samples[row["task_id"]]
    code = row["generation"] + ENDS.get(language, "\n")
    body = code[len(problem.fields["prompt"]) :].lstrip("\n")
    said = ways(language, code, body)
    evaluator = MultiPLEEvaluator(workers=2, chat_reading="mended")
    try:
        scores = list(evaluator.score((problem, [given(text)]) for text in said.values()))
    finally:
        evaluator.close()
    assert [way for way, score in zip(said, scores, strict=True) if not score.correct] == []
    others = {way: score.metrics.get("other_chat", 1.0) for way, score in zip(said, scores, strict=True)}
    assert {way for way, passes in others.items() if not passes} == FAILING_AS_PUBLISHED.get(language, set())
