"""What users write in configs, in all its spellings, becomes one kind of plain data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.config.read import read_config
from evalsuite.config.spec import RunConfig
from evalsuite.errors import UserError

Tree = Callable[[dict[str, str]], Path]

HUMANEVAL = """
from opencompass.openicl.icl_retriever import ZeroRetriever
from opencompass.openicl.icl_inferencer import GenInferencer
from opencompass.datasets import HumanevalDataset

reader_cfg = dict(input_columns=['prompt'], output_column='task_id')
infer_cfg = dict(retriever=dict(type=ZeroRetriever), inferencer=dict(type=GenInferencer))
humaneval_datasets = [
    dict(abbr='humaneval', type=HumanevalDataset, path='h', reader_cfg=reader_cfg, infer_cfg=infer_cfg)
]
"""
ECHO = "from evalsuite.models.echo import EchoModel\nmodels = [dict(type=EchoModel, abbr='echo')]\n"


def test_read_base_with_relative_imports_and_the_locals_idiom(tree: Tree) -> None:
    root = tree(
        {
            "configs/datasets/humaneval.py": HUMANEVAL,
            "configs/datasets/other.py": "other_datasets = [dict(abbr='o', type='D', path='x.jsonl')]",
            "configs/models/echo.py": ECHO,
            "configs/eval_a.py": """
                from mmengine.config import read_base

                with read_base():
                    from .datasets.humaneval import humaneval_datasets
                    from .datasets.other import other_datasets
                    from .models.echo import models

                datasets = sum([v for k, v in locals().items() if k.endswith('_datasets')], [])
            """,
        }
    )
    config = read_config(root / "configs/eval_a.py")
    assert [dataset["abbr"] for dataset in config.datasets] == ["humaneval", "o"]
    assert config.datasets[0]["type"] == "opencompass.datasets.HumanevalDataset"
    assert config.datasets[0]["infer_cfg"]["inferencer"]["type"].endswith(".GenInferencer")
    assert config.models[0]["type"] == "evalsuite.models.echo.EchoModel"
    assert config.name == "eval_a"
    assert config.config_dir == str(root / "configs")


def test_configs_addressed_through_opencompass_are_found_in_the_users_tree(tree: Tree) -> None:
    root = tree(
        {
            "configs/datasets/humaneval.py": HUMANEVAL,
            "configs/sub/eval_b.py": """
                from mmengine.config import read_base

                with read_base():
                    from opencompass.configs.datasets.humaneval import humaneval_datasets as datasets
            """,
        }
    )
    config = read_config(root / "configs/sub/eval_b.py")
    assert [dataset["abbr"] for dataset in config.datasets] == ["humaneval"]


def test_every_read_base_block_counts_and_not_only_the_first(tree: Tree) -> None:
    root = tree(
        {
            "datasets/humaneval.py": HUMANEVAL,
            "models/echo.py": ECHO,
            "eval.py": """
                from mmengine.config import read_base

                with read_base():
                    from .datasets.humaneval import humaneval_datasets as datasets

                work_dir = 'out'

                with read_base():
                    from .models.echo import models
            """,
        }
    )
    config = read_config(root / "eval.py")
    assert (len(config.models), len(config.datasets), config.work_dir) == (1, 1, "out")


def test_text_style_bases(tree: Tree) -> None:
    root = tree(
        {
            "m.py": "models = [dict(type='EchoModel', abbr='echo')]",
            "d.py": "datasets = [dict(type='JsonlDataset', path='a/b.jsonl', name='n')]",
            "eval.py": "_base_ = ['./m.py', './d.py']\nwork_dir = 'w'\ndatasets = _base_.datasets\n",
        }
    )
    config = read_config(root / "eval.py")
    assert config.models[0]["abbr"] == "echo"
    assert config.datasets[0]["abbr"] == "a_b.jsonl_n"


def test_the_standard_library_can_be_called_in_a_config(tree: Tree) -> None:
    root = tree(
        {
            "eval.py": """
                import os, re
                from copy import deepcopy
                from evalsuite.models.echo import EchoModel

                one = dict(type=EchoModel, abbr='one', stop_words=[re.escape('a.b')])
                two = deepcopy(one)
                two['abbr'] = os.path.join('x', 'two').replace(os.sep, '_')
                models = [one, two]
            """
        }
    )
    config = read_config(root / "eval.py")
    assert [model["abbr"] for model in config.models] == ["one", "x_two"]
    assert config.models[1]["stop_words"] == ["a\\.b"]


def test_mmengine_is_left_as_it_was(tree: Tree) -> None:
    import mmengine.config.config as mm
    import mmengine.config.utils as mm_utils

    def state() -> tuple[object, ...]:
        return mm.get_installed_path, mm_utils._is_builtin_module, vars(mm.Config)["_get_base_modules"]

    before = state()
    root = tree({"eval.py": "from x import Y\nimport os\nmodels = [dict(type=Y)]\nwork_dir = os.sep"})
    read_config(root / "eval.py")
    with pytest.raises(UserError):
        read_config(tree({"bad.py": "from x import Y\nmodels = Y()"}) / "bad.py")
    assert state() == before


def test_the_result_is_plain_data_that_survives_json(tree: Tree) -> None:
    root = tree(
        {
            "eval.py": """
                from pathlib import Path
                from mine import Mine

                models = [dict(type=Mine, abbr='m', where=Path('a') / 'b', ids=range(3), pair=(1, 2.5))]
                datasets = [dict(type='JsonlDataset', abbr='d', template={0: 'zero', 1: 'one'})]
            """
        }
    )
    config = read_config(root / "eval.py")
    assert config.models[0] == {
        "abbr": "m",
        "type": "mine.Mine",
        "where": "a/b",
        "ids": [0, 1, 2],
        "pair": [1, 2.5],
    }
    assert config.datasets[0]["template"] == {"0": "zero", "1": "one"}
    assert RunConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config


def test_classes_beside_the_config_and_beside_its_bases_are_found(tree: Tree) -> None:
    root = tree(
        {
            "mine.py": "class Model: pass",
            "deep/judge.py": "class Judge: pass",
            "deep/d.py": """
                from .judge import Judge
                from judge import Judge as Same
                eval_cfg = dict(evaluator=dict(type=Judge), b=Same)
                d_datasets = [dict(type='JsonlDataset', abbr='d', eval_cfg=eval_cfg)]
            """,
            "eval.py": """
                from mmengine.config import read_base
                from mine import Model
                with read_base():
                    from .deep.d import d_datasets as datasets
                models = [dict(type=Model, abbr='m')]
            """,
        }
    )
    config = read_config(root / "eval.py")
    assert config.models[0]["type"] == "mine.Model"
    assert config.datasets[0]["eval_cfg"] == {"evaluator": {"type": "judge.Judge"}, "b": "judge.Judge"}
    assert config.search_paths == (str(root), str(root / "deep"))


def test_two_modules_of_one_name_in_two_folders_are_refused(tree: Tree) -> None:
    root = tree(
        {
            "judge.py": "class Judge: pass",
            "deep/judge.py": "class Judge: pass",
            "deep/d.py": "from .judge import Judge\nd_datasets = [dict(abbr='d', type=Judge)]",
            "eval.py": """
                from mmengine.config import read_base
                from .judge import Judge
                with read_base():
                    from .deep.d import d_datasets as datasets
                models = [dict(type=Judge, abbr='m')]
            """,
        }
    )
    with pytest.raises(UserError, match="two files are imported as 'judge'"):
        read_config(root / "eval.py")


def test_imported_functions_are_kept_by_name_and_local_ones_are_refused(tree: Tree) -> None:
    root = tree(
        {
            "eval.py": """
                from textwrap import dedent
                from evalsuite.postprocess import strip

                def mine(text):
                    return text

                models = [dict(type='EchoModel', abbr='m', a=dict(type=strip), b=dedent)]
                datasets = [dict(type='JsonlDataset', abbr='d', f=lambda x: x, g=[mine], s={1})]
            """
        }
    )
    with pytest.raises(UserError) as caught:
        read_config(root / "eval.py")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "datasets[0].f: a lambda cannot" in lines[0]
    assert "datasets[0].g[0]: the function 'mine'" in lines[1]
    assert "datasets[0].s: a value of type set" in lines[2]
    text = (root / "eval.py").read_text().replace("f=lambda x: x, g=[mine], s={1}", "")
    (root / "eval.py").write_text(text)
    assert read_config(root / "eval.py").models[0]["a"] == {"type": "evalsuite.postprocess.strip"}
    assert read_config(root / "eval.py").models[0]["b"] == "textwrap.dedent"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"eval.py": "models = modles"}, ["eval.py:1", "'modles' is not defined"]),
        ({"eval.py": "models = ("}, ["eval.py:1", "not valid Python"]),
        ({"eval.py": "from a import f\nx = 1\nmodels = [f(3)]"}, ["eval.py:3", "cannot be called"]),
        ({"eval.py": "with open('x') as f:\n    pass\nfrom a import b"}, ["`with`", "read_base"]),
        ({"eval.py": "from a import b\nmodels = [dict(abbr='d', _delete_=True)]"}, ["models[0]._delete_"]),
        ({"eval.py": "models = 1 / 0"}, ["eval.py:1", "ZeroDivisionError"]),
        ({"eval.py": "models = dict(type='x')"}, ["models", "expected a list of dicts"]),
        (
            {"a.py": "x=1", "b.py": "x=2", "eval.py": "_base_ = ['./a.py', './b.py']"},
            ["same name", "x"],
        ),
        ({"abc.py": "x=1", "eval.py": "_base_ = ['./abd.py']"}, ["eval.py", "abd.py", "did you mean 'abc'?"]),
        (
            {"a.py": "_base_ = ['./eval.py']", "eval.py": "_base_ = ['./a.py']"},
            ["includes itself", "eval.py -> ", "a.py -> "],
        ),
        ({"eval.py": "import sys\nmodels = []\nsys.exit(0)"}, ["eval.py:3", "ends the program: sys.exit(0)"]),
        ({"eval.py": "models = []\n\0"}, ["eval.py: not valid Python", "null bytes"]),
    ],
)
def test_a_mistake_says_where_and_what(tree: Tree, files: dict[str, str], words: list[str]) -> None:
    root = tree(files)
    with pytest.raises(UserError) as caught:
        read_config(root / "eval.py")
    for word in words:
        assert word in str(caught.value)


READ_BASE = "from mmengine.config import read_base\nwith read_base():\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("from .base import x_datasetz", ["eval.py:3", "x_datasetz", "did you mean 'x_datasets'?"]),
        ("from .bose import x_datasets", ["eval.py", "there is no config", "did you mean 'base'?"]),
        ("from opencompass.configs.bose import x", ["eval.py:3", "mean 'opencompass.configs.base'?"]),
        ("from opencompass.configs.base import x", ["eval.py:3", "opencompass.configs.base has no variable"]),
        ("from nowhere.configs.base import x_datasets", ["'nowhere' is not installed"]),
        ("from .broken import x_datasets", ["broken.py:2", "not valid Python"]),
        ("from .broken_inside import x_datasets", ["broken_inside.py:3", "'x_dataset' is not defined"]),
        ("import os", ["eval.py:3", "only `from ... import ...`"]),
        ("from .eval import models", ["includes itself", "configs/eval.py -> "]),
        ("from .round import models", ["includes itself", "configs/eval.py -> ", "configs/round.py -> "]),
        ("from .leaves import models", ["leaves.py:2", "ends the program: exit()"]),
    ],
)
def test_a_mistake_under_read_base_names_the_right_file(tree: Tree, line: str, words: list[str]) -> None:
    root = tree(
        {
            "configs/base.py": "from a import B\nx_datasets = [dict(type=B)]",
            "configs/broken.py": "x = 1\ny = = 2",
            "configs/broken_inside.py": "from a import B\nx_datasets = []\ny = x_dataset",
            "configs/leaves.py": "from a import B\nexit()",
            "configs/round.py": f"{READ_BASE}    from .eval import x\n",
            "configs/eval.py": f"{READ_BASE}    {line}\n",
        }
    )
    with pytest.raises(UserError) as caught:
        read_config(root / "configs/eval.py")
    for word in words:
        assert word in str(caught.value)


def test_names_that_a_dict_does_not_have_are_made_from_type_and_path(tree: Tree) -> None:
    root = tree(
        {
            "eval.py": """
                models = [dict(type='HuggingFaceBaseModel', path='/zoo/qwen/7b'), dict(type='a.b.Echo')]
                datasets = [dict(type='D', path='data/x', name='y'), dict(type='D', abbr='z')]
            """
        }
    )
    config = read_config(root / "eval.py")
    assert [model["abbr"] for model in config.models] == ["HuggingFaceBaseModel_qwen_7b", "Echo"]
    assert [dataset["abbr"] for dataset in config.datasets] == ["data_x_y", "z"]


def test_a_name_used_twice_is_an_error_and_the_same_dict_twice_is_not(tree: Tree) -> None:
    root = tree(
        {
            "same.py": "models = [dict(type='E', abbr='m', n=1)] * 2",
            "twice.py": "models = [dict(type='E', abbr='m', n=1), dict(type='E', abbr='m', n=2)]",
        }
    )
    assert len(read_config(root / "same.py").models) == 1
    with pytest.raises(UserError, match=r"models\[1\]\.abbr: the abbr 'm' is taken"):
        read_config(root / "twice.py")


def test_variables_of_a_loop_have_no_meaning(tree: Tree) -> None:
    root = tree(
        {
            "eval_loop.py": """
                models = []
                for name in ['a', 'b']:
                    model = dict(type='EchoModel', abbr=name)
                    models.append(model)
            """
        }
    )
    config = read_config(root / "eval_loop.py")
    assert (config.name, len(config.models)) == ("eval_loop", 2)


def test_combinations_are_kept_as_names(tree: Tree) -> None:
    root = tree(
        {
            "eval.py": """
                models = [dict(type='E', abbr='a'), dict(type='E', abbr='b')]
                datasets = [dict(type='D', abbr='x')]
                model_dataset_combinations = [dict(models=models[:1], datasets=['x'])]
            """
        }
    )
    assert read_config(root / "eval.py").combinations == ({"models": ["a"], "datasets": ["x"]},)


def test_paths_that_exist_become_absolute_and_names_stay(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(
        {
            "configs/near.jsonl": "{}",
            "here/data/far.jsonl": "{}",
            "configs/eval.py": """
                models = [dict(type='E', abbr='m', path='org/model')]
                datasets = [
                    dict(type='D', abbr='a', path='near.jsonl'),
                    dict(type='D', abbr='b', path='data/far.jsonl', train_path='no.jsonl'),
                ]
            """,
        }
    )
    monkeypatch.chdir(root / "here")
    config = read_config(root / "configs/eval.py")
    assert config.models[0]["path"] == "org/model"
    assert config.datasets[0]["path"] == str(root / "configs/near.jsonl")
    assert config.datasets[1]["path"] == str(root / "here/data/far.jsonl")
    assert config.datasets[1]["train_path"] == "no.jsonl"


def test_reading_a_config_loads_no_heavy_package(tree: Tree) -> None:
    import subprocess
    import sys

    root = tree({"d.py": HUMANEVAL, "eval.py": "_base_ = []\nmodels = [dict(type='E', abbr='m')]"})
    code = (
        "import sys\nfrom evalsuite.config.read import read_config\n"
        f"read_config({str(root / 'eval.py')!r})\n"
        "print(sorted({'torch', 'transformers', 'datasets', 'pandas', 'vllm', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
