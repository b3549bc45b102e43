"""Which examples are picked: the same in every slice of a dataset, and as the method's name says."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import UserError
from evalsuite.prompt.builder import PromptBuilder
from evalsuite.prompt.retrievers import RETRIEVERS, Shots, build_retriever, check_retriever
from evalsuite.prompt.retrievers.bm25 import Okapi, tokenize
from evalsuite.prompt.retrievers.dpp import most_spread
from evalsuite.prompt.retrievers.mdl import label_entropy
from evalsuite.prompt.retrievers.votek import choose
from evalsuite.types import Sample

ROWS = [
    {"q": "the cat sat on the mat"},
    {"q": "a dog barks at night"},
    {"q": "cats and dogs sleep"},
    {"q": "the cat sat on the rug"},
    {"q": "prime numbers are odd"},
    {"q": "numbers count things"},
]


def shots(rows: Sequence[Mapping[str, Any]] = ROWS, label_texts: Any = None) -> Shots:
    return Shots(lambda: rows, ("q",), label_texts)


def made(kind: str, **cfg: Any) -> Any:
    return build_retriever({"type": kind, **cfg}, shots())


def test_no_examples_reads_no_rows() -> None:
    def explode() -> Sequence[Mapping[str, Any]]:
        raise AssertionError("the training split was read")

    assert build_retriever({"type": "ZeroRetriever"}, Shots(explode, ("q",))).pick(0, {}) == ()


def test_fixed_examples_are_the_same_for_all() -> None:
    retriever = made("FixKRetriever", fix_id_list=[2, 0])
    assert list(retriever.pick(0, {})) == list(retriever.pick(9, {})) == [2, 0]


def test_an_id_that_no_row_has_is_told() -> None:
    with pytest.raises(UserError, match="6"):
        made("FixKRetriever", fix_id_list=[0, 6])


def test_random_examples_do_not_depend_on_where_a_slice_begins() -> None:
    whole = made("RandomRetriever", ice_num=3)
    picks = [tuple(whole.pick(index, {})) for index in range(8)]
    assert tuple(made("RandomRetriever", ice_num=3).pick(5, {})) == picks[5]
    assert len(set(picks)) > 1
    assert picks != [tuple(made("RandomRetriever", ice_num=3, seed=1).pick(index, {})) for index in range(8)]


def test_sliding_examples_stand_right_before_the_question() -> None:
    retriever = made("SlidingWindowRetriever", k=2)
    assert [list(retriever.pick(index, {})) for index in (0, 1, 2, 5)] == [[4, 5], [5, 0], [0, 1], [3, 4]]


def test_more_examples_than_rows_is_told() -> None:
    for kind in ("RandomRetriever", "BM25Retriever"):
        with pytest.raises(UserError, match="7 examples are wanted, there are 6"):
            made(kind, ice_num=7)


def test_bm25_scores_are_those_of_rank_bm25() -> None:
    cases = json.loads((Path(__file__).parent / "golden" / "bm25.json").read_text(encoding="utf-8"))["cases"]
    for case in cases:
        assert Okapi(case["texts"]).scores(case["query"]) == pytest.approx(case["scores"])
    assert any(any(case["scores"]) for case in cases)


def test_bm25_picks_the_row_with_the_rare_words() -> None:
    retriever = made("BM25Retriever", ice_num=2)
    assert list(retriever.pick(0, {"q": "are prime numbers"})) == [4, 5]
    assert list(retriever.pick(0, {"q": "the cat sat on the rug"})) == [3, 0]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_every_visible_character_is_in_some_token(text: str) -> None:
    assert "".join("".join(tokenize(text)).split()) == "".join(text.split())


def test_chinese_is_cut_by_character() -> None:
    assert tokenize("猫坐着 cat's 42.") == ["猫", "坐", "着", "cat", "'", "s", "42", "."]


HASHED = {"embedder": "hashed-tfidf"}


def test_topk_picks_the_most_alike_first() -> None:
    assert list(made("TopkRetriever", ice_num=2, **HASHED).pick(0, {"q": "the cat sat on a rug"})) == [3, 0]


def test_a_missing_embedder_is_told_and_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UserError, match="pip install sentence-transformers"):
        made("TopkRetriever", ice_num=2)


def by_length(texts: Sequence[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in texts]


def test_an_embedder_of_ones_own_is_used() -> None:
    retriever = made("TopkRetriever", ice_num=1, embedder=f"{__name__}.by_length")
    longest = max(range(len(ROWS)), key=lambda at: len(ROWS[at]["q"]))
    assert list(retriever.pick(0, {"q": "x"})) == [longest]


def test_dpp_leaves_out_what_repeats() -> None:
    near = made("TopkRetriever", ice_num=2, **HASHED)
    spread = made("DPPRetriever", ice_num=2, candidate_num=6, scale_factor=10.0, **HASHED)
    question = {"q": "the cat sat on the mat"}
    assert set(near.pick(0, question)) == {0, 3}
    assert set(spread.pick(0, question)) != {0, 3}


def test_a_greedy_spread_takes_the_largest_determinant_step_by_step() -> None:
    import numpy

    vectors = numpy.array([[1.0, 0.0], [0.99, 0.01], [0.0, 0.9], [0.5, 0.5]])
    kernel = vectors @ vectors.T
    assert most_spread(kernel, 2) == [0, 2]
    assert sorted(most_spread(kernel, 4)) == [0, 1, 2, 3]


def test_votek_shows_everybody_the_same_rows() -> None:
    retriever = made("VotekRetriever", ice_num=3, votek_k=2, **HASHED)
    first = list(retriever.pick(0, {"q": "cats"}))
    assert len(set(first)) == 3
    assert first == list(retriever.pick(4, {"q": "numbers"}))


def test_votek_skips_a_row_whose_voters_stand_behind_an_earlier_one() -> None:
    voters = {7: {0, 1, 2}, 3: {0, 1}, 5: {2, 4}}
    assert choose(voters, 2, 8, seed=1) == [7, 5]
    assert choose(voters, 3, 8, seed=1)[:2] == [7, 5]


def test_labels_are_surest_where_one_is_far_ahead() -> None:
    assert label_entropy([0.0, 0.0]) == pytest.approx(math.log(2))
    assert label_entropy([0.0, 50.0]) < label_entropy([0.0, 1.0]) < label_entropy([0.0, 0.1])


def sure_of_short(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """As if a model were the surer, the longer the examples are."""
    return [0.0, float(len(pairs[0][0]))]


def test_mdl_shows_the_set_that_leaves_the_least_doubt() -> None:
    def label_texts(ids: Sequence[int], fields: Mapping[str, Any]) -> list[tuple[str, str]]:
        block = "".join(ROWS[at]["q"] for at in ids)
        return [(block, block + "A"), (block, block + "B")]

    cfg = {"type": "MDLRetriever", "ice_num": 1, "candidate_num": 6, "select_time": 60, **HASHED}
    retriever = build_retriever(
        {**cfg, "scorer": f"{__name__}.sure_of_short"}, shots(label_texts=label_texts)
    )
    assert list(retriever.pick(0, {"q": "cats"})) in ([0], [3])
    assert list(retriever.pick(0, {"q": "cats"})) == list(retriever.pick(0, {"q": "cats"}))


def test_mdl_without_labels_is_told() -> None:
    with pytest.raises(UserError, match="labels"):
        made("MDLRetriever", scorer=f"{__name__}.sure_of_short", **HASHED)


def test_a_template_written_a_second_time_must_be_the_same() -> None:
    template = {
        "type": "PromptTemplate",
        "template": {"A": "</E>{q} A", "B": "</E>{q} B"},
        "ice_token": "</E>",
    }
    retriever = {"type": "MDLRetriever", "scorer": f"{__name__}.sure_of_short", **HASHED}

    def build(second: Any) -> PromptBuilder:
        return PromptBuilder(
            {"ice_template": template, "retriever": {**retriever, "ice_template": second}},
            {"input_columns": ["q"], "output_column": "a"},
            kind="text",
            meta_template=None,
            mode="ppl",
            examples=lambda: [{**row, "a": "A"} for row in ROWS],
        )

    prompts, shown = build(template).build_labels(Sample(0, "0", {"q": "cats"}, "B"), ["A", "B"])
    assert len(shown) == 1
    assert prompts[1] == ROWS[shown[0]]["q"] + " A\ncats B"
    with pytest.raises(UserError, match="another ice_template"):
        build({**template, "ice_token": "<E>"})


@pytest.mark.parametrize(
    ("cfg", "word"),
    [
        ({"type": "FixKRetriever"}, "fix_id_list"),
        ({"type": "FixKRetriever", "fix_id_list": "0"}, "str"),
        ({"type": "RandomRetriever", "ice_nums": 2}, "ice_num"),
        ({"type": "RandRetriever"}, "RandomRetriever"),
        ("ZeroRetriever", "dict"),
    ],
)
def test_a_wrong_retriever_is_told_without_being_built(cfg: Any, word: str) -> None:
    errors = check_retriever(cfg, "here")
    assert len(errors) == 1 and word in str(errors[0]) and "here" in str(errors[0])


def test_the_same_name_counts_however_it_is_written() -> None:
    assert check_retriever({"type": "opencompass.openicl.icl_retriever.ZeroRetriever"}, "here") == []
    assert len(RETRIEVERS) == 9


@pytest.mark.slow
def test_a_model_says_which_label_it_is_surer_of() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from evalsuite.prompt.retrievers.mdl import transformers_scorer

    folder = Path(__file__).parent / "golden"
    score = transformers_scorer(str(folder / "model_plain"))
    golden = json.loads((folder / "losses.json").read_text(encoding="utf-8"))
    for case in [case for case in golden["cases"] if case["model"] == "model_plain"]:
        (loss,) = score([(case["context"], case["context"] + case["words"])])
        assert loss == pytest.approx(case["behind"], rel=1e-3)
