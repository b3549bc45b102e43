"""The loop for a GPU, on a CPU: what is read late, moved or dropped changes no text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from evalsuite.models import hf_ahead, hf_decode, hf_step  # noqa: E402
from evalsuite.models.hf import HuggingFaceBaseModel  # noqa: E402
from evalsuite.models.hf_ahead import AheadDecoder  # noqa: E402
from evalsuite.models.hf_net import Net  # noqa: E402
from evalsuite.models.hf_step import SLOT_SIZES, Stepper, rounded, rounded_width  # noqa: E402
from evalsuite.models.hf_transfer import Arriving, placed, rectangle  # noqa: E402
from evalsuite.types import Answer, Request, Sampling  # noqa: E402

SHOTS = "Question: what is 12 + 30?\nA. 42\nB. 13\nAnswer: A\n\n" * 3
PROMPTS = ["x", "if i", "def add(a, b):\n    return a + b\n" * 9, "y", "The quick brown fox " * 8]


@pytest.fixture
def model(tiny: Path) -> Iterator[HuggingFaceBaseModel]:
    made = HuggingFaceBaseModel(str(tiny), batch_size=6)
    assert not made._plain()
    yield made
    made.close()


def mixed(count: int = 40) -> list[Request]:
    """Requests of every kind: with and without stops, drawn, held back, behind a shared beginning."""
    asked = []
    for at in range(count):
        kind = at % 8
        prompt = f"{SHOTS}Question: {at}?" if kind in (3, 4) else f"{PROMPTS[at % 5]} {at}"
        size = [1, 3, 30, 9, 60, 12, 5, 17][kind]
        sampling = Sampling(
            max_out_len=size,
            temperature=1.0 if kind == 5 else 0.0,
            min_out_len=4 if kind == 6 else 0,
            stop=("e", "\n") if kind in (2, 7) else (),
        )
        asked.append(Request(str(at), prompt, sampling))
    return asked


def by_key(answers: Iterable[Answer]) -> dict[str, Any]:
    return {one.key: (one.text, one.finish, one.output_tokens, one.prompt_tokens) for one in answers}


def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hf_decode, "Decoder", AheadDecoder)


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_texts_are_those_of_the_loop_that_waits(
    model: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    waiting = by_key(model.generate(iter(mixed())))
    monkeypatch.setattr(hf_ahead, "DEPTH", depth)
    ahead(monkeypatch)
    assert by_key(model.generate(iter(mixed()))) == waiting
    assert len(waiting) == 40


def test_rows_whose_end_is_known_start_no_step_in_vain(
    model: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [Request(str(at), f"x {at}", Sampling(max_out_len=8)) for at in range(12)]
    steps: list[int] = []
    step = Stepper.step

    def counted(self: Stepper, count: int, width: int) -> Any:
        steps.append(count)
        return step(self, count, width)

    monkeypatch.setattr(Stepper, "step", counted)
    ahead(monkeypatch)
    answers = by_key(model.generate(iter(asked)))
    assert {tokens for _, finish, tokens, _ in answers.values() if finish == "length"} == {8}
    assert steps == [6] * 7 * 2


def test_the_last_rows_move_together(model: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Request(str(at), f"x {at}", Sampling(max_out_len=[4, 40][at % 6 == 5])) for at in range(6)]
    waiting = by_key(model.generate(iter(asked)))
    counts: list[int] = []
    step = Stepper.step

    def counted(self: Stepper, count: int, width: int) -> Any:
        counts.append(count)
        return step(self, count, width)

    monkeypatch.setattr(Stepper, "step", counted)
    # The longest row is sorted to the front; here it sits in the last slot.
    pending = hf_decode.Pending._fill

    def turned(self: hf_decode.Pending) -> None:
        pending(self)
        self._rows.reverse()

    monkeypatch.setattr(hf_decode.Pending, "_fill", turned)
    ahead(monkeypatch)
    assert by_key(model.generate(iter(asked))) == waiting
    assert counts[0] == 6
    assert counts[-1] == 1


def test_running_out_of_memory_loses_no_row(
    model: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = by_key(model.generate(iter(mixed())))
    forward, calls = Net.forward, []

    def tight(self: Net, ids: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(ids.shape[0])
        if ids.shape[0] > 2 and len(calls) > 9:
            raise torch.OutOfMemoryError("CUDA out of memory (pretended)")
        return forward(self, ids, *args, **kwargs)

    monkeypatch.setattr(Net, "forward", tight)
    ahead(monkeypatch)
    assert by_key(model.generate(iter(mixed()))) == calm
    assert max(calls) > 2

    def never(self: Net, ids: Any, *args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory (pretended)")

    monkeypatch.setattr(Net, "forward", never)
    answers = list(model.generate(iter(mixed(5))))
    assert [one.error.kind for one in answers if one.error] == ["out_of_memory"] * 5


# --------------------------------------------------------------------------- recorded steps
class _Graph:
    """What a CUDA graph is to the stepper: a step of one size, done again on demand."""

    def __init__(self) -> None:
        self.again: Any = None

    def replay(self) -> None:
        self.again()


def _recorder(monkeypatch: pytest.MonkeyPatch, fails: bool = False) -> list[hf_step.Size]:
    recorded: list[hf_step.Size] = []

    def capture(self: Stepper, graph: _Graph, size: hf_step.Size) -> None:
        if fails:
            raise RuntimeError("operation not permitted when stream is capturing")
        recorded.append(size)
        slots = [layer.keys.data_ptr() for layer in self.slots.cache.layers]

        def again() -> None:
            assert slots == [layer.keys.data_ptr() for layer in self.slots.cache.layers]
            self._compute(*size)

        graph.again = again

    monkeypatch.setattr(Stepper, "_capture", capture)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", _Graph)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 0))
    monkeypatch.setattr(hf_step, "_can_record", lambda net: True)
    ahead(monkeypatch)
    return recorded


def test_a_recorded_step_does_what_the_step_does(
    model: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = by_key(model.generate(iter(mixed())))
    monkeypatch.setattr(hf_step, "LEAST_WIDTH", 32)
    recorded = _recorder(monkeypatch)
    assert by_key(model.generate(iter(mixed()))) == waiting
    assert len(recorded) > 1


def test_a_smaller_size_is_recorded_once_it_pays(
    model: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = _recorder(monkeypatch)
    sizes = [60, 4, 4, 4, 4, 4]
    asked = [Request(str(at), f"x {at}", Sampling(max_out_len=n, min_out_len=n)) for at, n in enumerate(sizes)]
    list(model.generate(iter(asked)))
    assert [size[0] for size in recorded] == [6, 1]


def test_a_model_that_cannot_be_recorded_is_stepped_plainly(
    model: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = by_key(model.generate(iter(mixed())))
    _recorder(monkeypatch, fails=True)
    assert by_key(model.generate(iter(mixed()))) == waiting


def test_sizes_are_few_and_large_enough() -> None:
    assert [rounded(value, SLOT_SIZES) for value in (1, 2, 9, 129, 256, 257, 600)] == [
        *(1, 4, 16, 192, 256, 512, 768),
    ]
    for width in range(1, 5000):
        assert width <= rounded_width(width) <= max(256, width * 3 // 2)
    assert len({rounded_width(width) for width in range(1, 32769)}) == 15


# --------------------------------------------------------------------------- host and device
def test_values_travel_unchanged() -> None:
    device = torch.device("cpu")
    tensor = placed([3, 1, 2], device)
    arriving = Arriving(tensor)
    tensor.zero_()
    assert arriving.read() == [3, 1, 2]
    assert rectangle([[1], [2, 3]], device, -1).tolist() == [[1, -1], [2, 3]]
