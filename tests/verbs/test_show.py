"""`show` finds a model and a dataset by the name of a config or by an abbr in one."""

from __future__ import annotations

import pytest

from evalsuite.cli import main


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[str], str]:
    """The headings that `show` prints, and what it complains of."""
    main(["show", *words])
    said = capsys.readouterr()
    return [line for line in said.out.splitlines() if line.startswith("==")], said.err


def test_a_config_by_name_shows_all_that_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    headings, _ = shown(capsys, "hf_demo", "demo_code")
    names = {line.split()[1] for line in headings}
    assert names == {"hf_demo_s_base", "hf_demo_m_base", "hf_demo_s_chat", "hf_demo_m_chat"}


def test_an_abbr_shows_that_one_alone(capsys: pytest.CaptureFixture[str]) -> None:
    headings, _ = shown(capsys, "hf_demo_m_chat", "demo_code_chat")
    assert [line.split("[")[0] for line in headings] == ["== hf_demo_m_chat x demo_code_chat "]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hf_demo_m_caht", "demo_code"), ("model: ", "did you mean 'hf_demo_m_chat'?")),
        (("hf_demo", "demo_cdoe"), ("dataset: ", "did you mean 'demo_code'?")),
        (("hf_demo", "santacoder_fim"), ("2 configs hold 'santacoder_fim'", "one of fim_base, fim_chat")),
    ],
)
def test_a_wrong_or_ambiguous_name_is_told_with_the_right_one(
    capsys: pytest.CaptureFixture[str], words: tuple[str, str], said: tuple[str, ...]
) -> None:
    headings, complaint = shown(capsys, *words)
    assert not headings
    assert all(piece in complaint for piece in said), complaint
