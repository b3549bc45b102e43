"""The loop for a GPU, on a CPU: what is read late, moved or dropped changes no text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from evalsuite.models import hf_ahead, hf_decode, hf_net, hf_step  # noqa: E402
from evalsuite.models.hf import HuggingFaceBaseModel  # noqa: E402
from evalsuite.models.hf_ahead import AheadDecoder  # noqa: E402
from evalsuite.models.hf_net import Net  # noqa: E402
from evalsuite.models.hf_norm import use_fused_norms  # noqa: E402
from evalsuite.models.hf_prefix import clusters  # noqa: E402
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
    samplings = [Sampling(max_out_len=size, min_out_len=size) for size in sizes]
    asked = [Request(str(at), f"x {at}", sampling) for at, sampling in enumerate(samplings)]
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


def test_a_cpus_values_are_there_at_once() -> None:
    assert Arriving(torch.ones(2)).there


# --------------------------------------------------------------------------- what keeps the device busy
def test_new_rows_come_before_the_answers_of_those_that_ended(
    model: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    prefill = AheadDecoder._prefill

    def told(self: AheadDecoder, pack: list[Any], shared: int) -> Any:
        events.append("prompts")
        return prefill(self, pack, shared)

    monkeypatch.setattr(AheadDecoder, "_prefill", told)
    ahead(monkeypatch)
    # As on a device that is always busy: answers are written only where nothing else is left to do.
    monkeypatch.setattr(AheadDecoder, "_hungry", lambda self: True)
    for answer in model.generate(iter([Request(str(at), "x", Sampling(max_out_len=1)) for at in range(12)])):
        events.append(answer.key)
    assert events[:2] == ["prompts", "prompts"]
    assert len(events) == 14


def test_what_was_prepared_ahead_is_used_as_it_is(model: HuggingFaceBaseModel) -> None:
    asked = [Request(str(at), "x" * (at + 1), Sampling(max_out_len=4)) for at in range(8)]
    taken: list[str] = []

    def stream() -> Iterator[Request]:
        for request in asked:
            taken.append(request.key)
            yield request

    pending = hf_decode.Pending(stream(), model._rows, 8)
    assert pending.ahead(3)
    assert pending.peek() is not None
    assert taken == ["0", "1", "2"]
    found = []
    while pending.peek() is not None:
        found.append(pending.pop().request.key)
    assert sorted(found) == taken == [str(at) for at in range(8)]
    assert not pending.ahead(3)


def test_a_beginning_must_save_what_a_pass_costs() -> None:
    rows = [([*range(20), at], 20, at) for at in range(11)]
    assert clusters(rows, 200) == [(list(range(11)), 20)]
    assert clusters(rows, 201) == [(list(range(11)), 0)]


def test_a_large_model_makes_a_pass_dear_sooner(model: HuggingFaceBaseModel) -> None:
    net = Net(model._base.model)
    assert net.call_tokens() == hf_net.CALL_TOKENS
    net.device = torch.device("cuda")
    assert net.call_tokens() == hf_net.MOST_CALL_TOKENS


# --------------------------------------------------------------------------- norms
def _norms(model: Any) -> list[Any]:
    return [module for module in model.modules() if type(module).__name__.endswith("RMSNorm")]


def test_norms_become_one_kernel_where_they_are_the_same(tiny: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    with torch.inference_mode():
        for norm in _norms(model):
            norm.weight.uniform_(0.5, 1.5)
        ids = torch.tensor([[1, 2, 3, 4]])
        wanted = model(ids).logits
        assert use_fused_norms(model) == len(_norms(model)) > 0
        torch.testing.assert_close(model(ids).logits, wanted)


def test_a_norm_of_another_kind_is_left_alone() -> None:
    from transformers.models.gemma.modeling_gemma import GemmaRMSNorm

    model = torch.nn.Sequential(GemmaRMSNorm(8))
    with torch.no_grad():
        model[0].weight.fill_(0.5)
    assert not use_fused_norms(model)
    assert "forward" not in vars(model[0])
