"""Tasks cover every sample once, are balanced by cost, and bounded in size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.errors import UserError
from evalsuite.partitioners import MAX_SAMPLES, Load, Partitioner, makespan

KINDS = ("naive", "size", "num_worker")
loads = st.lists(
    st.builds(
        Load, st.integers(0, 30_000), st.floats(0, 100, allow_nan=False), st.integers(1, 50), st.booleans()
    ),
    max_size=6,
)


@given(st.sampled_from(KINDS), loads, st.integers(1, 64))
def test_slices_cover_each_sample_once_and_stay_bounded(kind: str, given: list[Load], workers: int) -> None:
    cuts = Partitioner(kind=kind, num_worker=workers).cut(given)  # type: ignore[arg-type]
    assert len(cuts) == len(given)
    for load, slices in zip(given, cuts, strict=True):
        assert [index for start, stop in slices for index in range(start, stop)] == list(range(load.size))
        assert all(0 < stop - start <= MAX_SAMPLES for start, stop in slices)


def test_costly_samples_make_smaller_tasks() -> None:
    cheap, costly = Partitioner(num_worker=4, min_task_size=1).cut([Load(1000, 0.1), Load(1000, 1.0)])
    assert len(costly) == pytest.approx(10 * len(cheap), abs=10)


def test_options_and_repeats_count_for_the_size_partitioner() -> None:
    plain, options = Partitioner(kind="size", max_task_size=100).cut(
        [Load(400, 1, 1, False), Load(400, 1, 4, False)]
    )
    assert len(plain) == 4 and len(options) == 16


def test_makespan_of_tasks_that_workers_pull() -> None:
    assert makespan([4, 3, 3, 2], 2) == 6
    assert makespan([], 3) == 0
    assert makespan([5], 8) == 5


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"type": "NumWorkerPartitoner"}, "NumWorkerPartitioner"),
        ({"type": "size", "max_task_sise": 3}, "max_task_size"),
        ({"type": "num_worker", "num_worker": 0}, "whole number"),
    ],
)
def test_a_wrong_partitioner_is_told_with_the_nearest_name(config: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Partitioner.from_config(config)


def test_opencompass_names_and_keys_are_understood() -> None:
    made = Partitioner.from_config(
        {"type": "opencompass.partitioners.NumWorkerPartitioner", "num_worker": 3, "strategy": "split"}
    )
    assert made == Partitioner("num_worker", num_worker=3)
