"""The decoding loop from within: which rows go together, and what a CPU multiplies with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is not installed")

from evalsuite.models import hf_linear  # noqa: E402
from evalsuite.models.hf import HuggingFaceBaseModel  # noqa: E402
from evalsuite.models.hf_cache import runs_of  # noqa: E402
from evalsuite.models.hf_decode import Pending  # noqa: E402
from evalsuite.types import Request, Sampling  # noqa: E402


# --------------------------------------------------------------------------- rows of like length
@given(st.lists(st.integers(1, 400), max_size=40), st.integers(0, 300))
def test_runs_cover_every_row_once_with_room_for_it(lengths: list[int], spare: int) -> None:
    runs = runs_of(lengths, spare)
    assert [at for begin, end, _ in runs for at in range(begin, end)] == list(range(len(lengths)))
    assert all(width == max(lengths[begin:end]) for begin, end, width in runs)


def test_a_row_that_costs_more_than_a_call_stands_alone() -> None:
    assert runs_of([10, 10, 300, 10, 11], 50) == [(0, 2, 10), (2, 3, 300), (3, 5, 11)]
    assert runs_of([10, 10, 30, 10], 50) == [(0, 4, 30)]


def test_those_that_may_write_the_most_come_first(tiny: Path) -> None:
    model = HuggingFaceBaseModel(str(tiny))
    limits = [4, 100, 8, 60, 100]
    asked = [Request(str(at), "x" * (at + 1), Sampling(max_out_len=size)) for at, size in enumerate(limits)]
    pending = Pending(iter(asked), model._rows, 8)
    order = []
    while pending.peek() is not None:
        order.append(pending.pop().limit)
    model.close()
    assert order == [100, 100, 60, 8, 4]


def test_rows_of_very_unlike_length_write_what_each_writes_alone(tiny: Path) -> None:
    model = HuggingFaceBaseModel(str(tiny), batch_size=6)
    prompts = ["x", "if i", "def add(a, b):\n    return a + b\n" * 9, "y", "The quick brown fox " * 8, "z"]
    asked = [
        Request(f"{at}", prompts[at % 6], Sampling(max_out_len=[3, 40, 9][at % 3], min_out_len=3))
        for at in range(18)
    ]
    together = {answer.key: answer.text for answer in model.generate(iter(asked))}
    alone = {one.key: answer.text for one in asked for answer in model.generate(iter([one]))}
    model.close()
    assert together == alone
    assert len(together) == 18


# --------------------------------------------------------------------------- shared beginnings
SHOTS = "Question: what is 12 + 30?\nA. 42\nB. 13\nAnswer: A\n\n" * 3


def test_a_beginning_that_prompts_share_is_computed_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = HuggingFaceBaseModel(str(tiny), batch_size=4)
    assert not model._plain()
    prompts = [f"{SHOTS}Question: {at} + {at * at}?\nAnswer:" for at in range(13)]
    prompts += ["def f(x):\n", SHOTS[:-1], SHOTS[: len(SHOTS) // 2] + "x"]
    sampling = Sampling(max_out_len=6, min_out_len=6)
    asked = [Request(str(at), prompt, sampling) for at, prompt in enumerate(prompts)]
    alone = {one.key: answer for one in asked for answer in model.generate(iter([one]))}
    fed: list[int] = []
    forward = model._net.forward

    def counted(ids: Any, *args: Any) -> Any:
        fed.append(ids.numel() if ids.shape[1] > 1 else 0)
        return forward(ids, *args)

    monkeypatch.setattr(model._net, "forward", counted)
    together = {answer.key: answer for answer in model.generate(iter(asked))}
    model.close()
    assert {key: answer.text for key, answer in together.items()} == {
        key: answer.text for key, answer in alone.items()
    }
    assert sum(fed) < 0.4 * sum(answer.prompt_tokens for answer in together.values())


# --------------------------------------------------------------------------- products
def _other_products() -> Any:
    product = hf_linear._product()
    if product is None:
        pytest.skip("this torch has no oneDNN")
    return product


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 40])
@pytest.mark.parametrize("bias", [True, False])
def test_the_other_product_gives_what_a_linear_layer_gives(rows: int, bias: bool) -> None:
    layer = torch.nn.Linear(24, 40, bias=bias).requires_grad_(False)
    x = torch.randn(rows, 1, 24)
    wanted = layer(x)
    layer.forward = hf_linear._forward(layer, _other_products())
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), wanted)


def test_only_plain_layers_of_a_slow_machine_are_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    _other_products()

    class Special(torch.nn.Linear):  # type: ignore[misc, name-defined]
        """A layer that computes something else."""

    def model() -> Any:
        half = torch.nn.Linear(4, 4).half()
        return torch.nn.Sequential(torch.nn.Linear(4, 4), Special(4, 4), half)

    monkeypatch.setattr(hf_linear, "_mkl_is_slow", lambda: True)
    turned = model()
    assert hf_linear.use_fast_products(turned)
    assert ["forward" in vars(layer) for layer in turned] == [True, False, False]
    monkeypatch.setattr(hf_linear, "_mkl_is_slow", lambda: False)
    left = model()
    assert not hf_linear.use_fast_products(left)
    assert not any("forward" in vars(layer) for layer in left)
