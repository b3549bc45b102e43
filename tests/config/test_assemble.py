"""A run from names and flags alone: models, datasets, a summarizer, a model of the hub, a bare data file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.config import find
from evalsuite.config.assemble import CustomDataset, HfModel, Named, assemble_named, key_values
from evalsuite.config.read import read_config
from evalsuite.errors import UserError

Tree = Callable[[dict[str, str]], Path]
MCQ = {"question": "1+1?", "A": "1", "B": "2", "C": "3", "answer": "B"}


@pytest.fixture
def here(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tree(
        {
            "configs/models/echo_a.py": "models = [dict(type='EchoModel', abbr='a')]",
            "configs/models/echo_b.py": "models = [dict(type='EchoModel', abbr='b')]",
            "configs/datasets/sums.py": """
                sums_datasets = [dict(type='JsonlDataset', abbr='s', path='mcq.jsonl')]
                hard_sums = [dict(type='JsonlDataset', abbr='h', path='mcq.jsonl')]
                helper = lambda x: x
            """,
            "configs/datasets/mine.py": """
                from judging import Judge
                my_datasets = [dict(type='JsonlDataset', abbr='m', eval_cfg=dict(evaluator=dict(type=Judge)))]
            """,
            "configs/datasets/judging.py": "class Judge: pass",
            "configs/summarizers/two.py": "summarizer = dict(dataset_abbrs=['s'])\nother = dict()",
            "mcq.jsonl": json.dumps(MCQ) + "\n",
            "qa.csv": "question,answer\n1+1?,2\n",
        }
    )
    monkeypatch.chdir(root)
    monkeypatch.setattr(find, "shipped_root", lambda: root / "none")
    return root


def test_names_and_wildcards_take_all_matches_and_list_them(here: Path) -> None:
    config, matched = assemble_named(Named(models=["echo_*"], datasets=["sums"], summarizer="two"))
    assert [model["abbr"] for model in config.models] == ["a", "b"]
    assert [dataset["abbr"] for dataset in config.datasets] == ["s"]
    assert config.summarizer == {"dataset_abbrs": ["s"]}
    assert [item.name for item in matched] == ["echo_a", "echo_b", "sums", "two"]


def test_a_suffix_picks_other_variables_of_a_file(here: Path) -> None:
    config, _ = assemble_named(Named(models=["echo_a"], datasets=["sums/hard_sums"], summarizer="two/other"))
    assert [dataset["abbr"] for dataset in config.datasets] == ["h"]
    assert config.summarizer == {}
    with pytest.raises(UserError, match="did you mean 'hard_sums'"):
        assemble_named(Named(models=["echo_a"], datasets=["sums/hard_sms"]))


def test_classes_beside_a_named_dataset_are_importable(here: Path) -> None:
    config, _ = assemble_named(Named(models=["echo_a"], datasets=["mine"]))
    assert config.datasets[0]["eval_cfg"]["evaluator"]["type"] == "judging.Judge"
    assert str(here / "configs/datasets") in config.search_paths


def test_repeats_and_options_reach_the_datasets(here: Path) -> None:
    config, _ = assemble_named(
        Named(models=["echo_a"], datasets=["sums"], repeats=4), ["models.0.batch_size=2", "datasets.s.k=2"]
    )
    assert (config.datasets[0]["n"], config.datasets[0]["k"]) == (4, 2)
    assert config.models[0]["batch_size"] == 2


def test_the_hf_flags_make_one_model(here: Path) -> None:
    hf = HfModel(path="org/Tiny-1B", type="base", model_kwargs=key_values(["a.b=1", "c=x"], "--model-kwargs"))
    config, _ = assemble_named(Named(hf_model=hf, datasets=["sums"]))
    assert config.models == (
        {
            "abbr": "Tiny-1B_hf",
            "type": "HuggingFaceBaseModel",
            "path": "org/Tiny-1B",
            "max_out_len": 256,
            "batch_size": 8,
            "model_kwargs": {"a": {"b": 1}, "c": "x"},
            "run_cfg": {"num_gpus": 1},
        },
    )
    with pytest.raises(UserError, match="--hf-type"):
        assemble_named(Named(hf_model=HfModel(path="x", type="chta")))


@pytest.mark.parametrize("method", ["gen", "ppl"])
def test_a_bare_file_of_options_becomes_a_dataset(here: Path, method: str) -> None:
    custom = CustomDataset("mcq.jsonl", infer_method=method)
    config, _ = assemble_named(Named(models=["echo_a"], custom_dataset=custom))
    dataset = config.datasets[0]
    assert (dataset["abbr"], dataset["type"]) == ("mcq", "JsonlDataset")
    assert dataset["path"] == str(here / "mcq.jsonl")
    assert dataset["reader_cfg"] == {"input_columns": ["question", "A", "B", "C"], "output_column": "answer"}
    template = dataset["infer_cfg"]["prompt_template"]["template"]
    if method == "ppl":
        assert list(template) == ["A", "B", "C"]
        assert template["B"]["round"][1] == {"role": "BOT", "prompt": "B"}
        assert "pred_postprocessor" not in dataset["eval_cfg"]
    else:
        assert template["round"][0]["prompt"] == "Question: {question}\nA. {A}\nB. {B}\nC. {C}\nAnswer: "
        assert dataset["eval_cfg"]["pred_postprocessor"]["options"] == "ABC"


def test_a_bare_file_of_questions_and_answers_becomes_a_dataset(here: Path) -> None:
    config, _ = assemble_named(Named(models=["echo_a"], custom_dataset=CustomDataset("qa.csv")))
    dataset = config.datasets[0]
    assert dataset["type"] == "CsvDataset"
    assert dataset["infer_cfg"]["prompt_template"]["template"]["round"][0]["prompt"] == "{question}"


def test_a_file_beside_the_data_settles_the_rest(here: Path) -> None:
    (here / "mcq.jsonl.meta.json").write_text(
        '{"abbr": "named", "infer_method": "ppl", "options": ["A", "B"]}'
    )
    (here / "eval.py").write_text(
        "models = [dict(type='EchoModel', abbr='e')]\ndatasets = [dict(path='mcq.jsonl', n=2)]"
    )
    dataset = read_config(here / "eval.py").datasets[0]
    assert dataset["abbr"] == "named"
    assert dataset["n"] == 2
    assert list(dataset["infer_cfg"]["prompt_template"]["template"]) == ["A", "B"]


@pytest.mark.parametrize(
    ("custom", "words"),
    [
        (CustomDataset("no.jsonl"), "there is no file 'no.jsonl'"),
        (CustomDataset("qa.csv", data_type="mcq"), "the file has no options"),
        (CustomDataset("qa.csv", infer_method="ppl"), "have no ppl"),
        (CustomDataset("qa.csv", data_type="qna"), "did you mean 'qa'"),
        (CustomDataset("odd.csv"), "no column 'question'"),
        (CustomDataset("odd.xml"), "no known format"),
        (CustomDataset("qa.csv", meta_path="no.json"), "meta_path: there is no file"),
    ],
)
def test_a_bare_file_that_cannot_be_a_dataset_is_told(here: Path, custom: CustomDataset, words: str) -> None:
    (here / "odd.csv").write_text("qestion,answer\n1,2\n")
    (here / "odd.xml").write_text("<a/>")
    with pytest.raises(UserError) as caught:
        assemble_named(Named(models=["echo_a"], custom_dataset=custom))
    assert words in str(caught.value)
