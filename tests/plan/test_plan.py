"""What identifies work: a change that matters makes other tasks, one that does not makes none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalsuite.config.spec import RunConfig
from evalsuite.partitioners import Partitioner
from evalsuite.plan import HashCache, Plan, TaskFinder, build_plan, corrected, sampling_of
from evalsuite.store.entries import Entry, Outcome


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    data = tmp_path / "d.jsonl"
    data.write_text("".join(json.dumps({"id": n, "q": f"q{n}", "a": n}) + "\n" for n in range(100)))
    model = {"type": "EchoModel", "abbr": "m", "path": "echo", "max_out_len": 8}
    dataset = {
        "type": "JsonlDataset",
        "abbr": "d",
        "path": str(data),
        "reader_cfg": {"input_columns": ["q"], "output_column": "a"},
        "infer_cfg": {
            "prompt_template": {"type": "PromptTemplate", "template": "{q}"},
            "retriever": {"type": "ZeroRetriever"},
            "inferencer": {"type": "GenInferencer"},
        },
    }
    return RunConfig("c", str(tmp_path / "c.py"), str(tmp_path), (model,), (dataset,))


def plan_of(config: RunConfig, **kwargs: Any) -> Plan:
    return build_plan(config, partitioner=Partitioner(), hashes=HashCache(None), history={}, **kwargs)


def changed(
    config: RunConfig, *, model: dict[str, Any] | None = None, dataset: dict[str, Any] | None = None
) -> Plan:
    return plan_of(
        RunConfig(
            **{
                **config.__dict__,
                "models": ({**config.models[0], **(model or {})},),
                "datasets": ({**config.datasets[0], **(dataset or {})},),
            }
        )
    )


@pytest.mark.parametrize(
    "model", [{"path": "other"}, {"max_out_len": 9}, {"generation_kwargs": {"temperature": 0.5}}]
)
def test_what_decides_an_answer_makes_other_tasks(config: RunConfig, model: dict[str, Any]) -> None:
    assert changed(config, model=model).pairs[0].fingerprint != plan_of(config).pairs[0].fingerprint


@pytest.mark.parametrize(
    "model", [{"batch_size": 7}, {"run_cfg": {"num_gpus": 0}}, {"latency": 1.0}, {"concurrency": 3}]
)
def test_what_only_decides_the_speed_does_not(config: RunConfig, model: dict[str, Any]) -> None:
    assert changed(config, model=model).pairs[0].fingerprint == plan_of(config).pairs[0].fingerprint


def test_a_changed_evaluation_keeps_the_answers(config: RunConfig) -> None:
    before = plan_of(config).pairs[0]
    after = changed(config, dataset={"eval_cfg": {"evaluator": {"type": "EMEvaluator"}}}).pairs[0]
    assert after.fingerprint == before.fingerprint and after.eval_fingerprint != before.eval_fingerprint


def test_changed_data_and_retrained_weights_make_other_tasks(config: RunConfig, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.safetensors").write_bytes(b"a" * 3_000_000)
    before = changed(config, model={"path": str(weights)}).pairs[0].fingerprint
    assert changed(config, model={"path": str(weights)}).pairs[0].fingerprint == before
    (weights / "model.safetensors").write_bytes(b"b" * 3_000_000)
    retrained = changed(config, model={"path": str(weights)}).pairs[0].fingerprint
    assert retrained != before
    with Path(config.datasets[0]["path"]).open("a") as file:
        file.write('{"id": 100, "q": "new", "a": 0}\n')
    assert changed(config, model={"path": str(weights)}).pairs[0].fingerprint != retrained


def test_a_plan_survives_the_trip_through_its_file(config: RunConfig, tmp_path: Path) -> None:
    plan = plan_of(config)
    plan.save(tmp_path / "tasks" / "plan.json")
    assert list(Plan.load(tmp_path / "tasks" / "plan.json").tasks("infer")) == list(plan.tasks("infer"))


def test_tasks_are_found_by_their_names_and_those_of_another_plan_are_not(config: RunConfig) -> None:
    plan, other = plan_of(config), changed(config, model={"max_out_len": 9})
    for stage in ("infer", "eval"):
        finder = TaskFinder(plan.pairs, stage)
        assert [finder.task(task.name)[0] for task in plan.tasks(stage)] == list(plan.tasks(stage))
        assert all(finder.find(task.name) is None for task in other.tasks(stage))
        assert finder.find("d-0-7-" + plan.pairs[0].fingerprint[:12]) is None  # no such slice
        assert finder.find("notes") is None


def test_names_of_task_files_stay_within_what_a_file_system_takes(config: RunConfig) -> None:
    long = "数据集" * 40
    plan = changed(config, model={"abbr": long}, dataset={"abbr": long + "a"})
    twin = changed(config, model={"abbr": long}, dataset={"abbr": long + "b"})
    names = [task.name for task in plan.tasks("eval")]
    assert not set(names) & {task.name for task in twin.tasks("eval")}
    entry = Entry(
        names[0], 3, 40, 40, "eval-500-0123abcd-780", "o" * 80, Outcome(5000, 5000, 5000, 1e6, 10**10)
    )
    assert len(entry.file.encode()) <= 255


def test_a_resumed_plan_keeps_its_slices_whatever_the_new_estimates(config: RunConfig) -> None:
    first = plan_of(config)
    again = build_plan(
        config,
        partitioner=Partitioner(num_worker=1, min_task_size=1),
        hashes=HashCache(None),
        history={"m/d": 100.0},
        earlier=first,
    )
    assert again.pairs[0].slices == first.pairs[0].slices


def test_estimates_are_corrected_by_what_earlier_runs_took() -> None:
    assert corrected("m", {"a": 2.0, "b": 4.0}, {"m/a": 1.0}) == {"a": 1.0, "b": 2.0}
    assert corrected("m", {"a": 2.0}, {"other/a": 1.0}) == {"a": 2.0}


def test_sampling_of_a_model_dict() -> None:
    sampling = sampling_of(
        {
            "max_out_len": 5,
            "stop_words": ["x"],
            "generation_kwargs": {"do_sample": False, "temperature": 0.7, "top_k": 3, "odd": 1},
        }
    )
    assert (sampling.max_out_len, sampling.temperature, sampling.top_k) == (5, 0.0, 3)
    assert sampling.stop == ("x",) and dict(sampling.extra) == {"odd": 1}
    assert sampling_of({"generation_kwargs": {"stop": "ab"}, "stop_words": ["x"]}).stop == ("ab", "x")
    assert sampling_of({"generation_kwargs": {"stop": ["ab", "c"]}}).stop == ("ab", "c")
