"""Everything wrong with a config is told at once, before anything is loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.config.check import DATASET_KEYS, MODEL_KEYS, check, ensure
from evalsuite.config.read import read_config
from evalsuite.errors import UserErrors

Tree = Callable[[dict[str, str]], Path]


@pytest.fixture
def problems(tree: Tree) -> Callable[..., dict[str, str]]:
    """Check a config; the problems by key path (the file's name is in front of each)."""

    def run(text: str, *, gpus: int | None = None, **files: str) -> dict[str, str]:
        root = tree({"d.jsonl": '{"q": "x", "a": "y"}\n', "eval.py": text, **files})
        errors = check(read_config(root / "eval.py"), gpus=gpus)
        found = {}
        for error in errors:
            file, _, place = error.where.partition(": ")
            assert file == str(root / "eval.py")
            found[place] = f"{error.what} | {error.expected} | {error.nearest}"
        assert len(found) == len(errors)
        return found

    return run


ASKED = (
    "reader_cfg=dict(input_columns=['q'], output_column='a'), infer_cfg=dict("
    "prompt_template=dict(type='PromptTemplate', template='{q}'), retriever=dict(type='ZeroRetriever'),"
    " inferencer=dict(type='GenInferencer'))"
)
DATASETS = f"datasets = [dict(type='JsonlDataset', abbr='d', path='d.jsonl', {ASKED})]\n"
MODELS = "models = [dict(type='EchoModel', abbr='m')]\n"


def test_a_right_config_has_no_problems(problems: Callable[..., dict[str, str]]) -> None:
    text = """
        models = [dict(type='EchoModel', abbr='m', mode='hash', latency=1, max_out_len=4, batch_size=2,
                       run_cfg=dict(num_gpus=0), generation_kwargs=dict(temperature=0.5))]
        datasets = [dict(type='opencompass.datasets.JsonlDataset', abbr='d', path='d.jsonl', n=2, k=[1, 2],
                         reader_cfg=dict(input_columns=['q'], output_column='a', test_range='[0:1]'),
                         infer_cfg=dict(prompt_template=dict(type='PromptTemplate', template='{q}'),
                                        retriever=dict(type='ZeroRetriever'),
                                        inferencer=dict(type='GenInferencer')),
                         eval_cfg=dict(evaluator=dict(type='AccEvaluator'),
                                       pred_postprocessor=dict(type='first-capital')))]
        infer = dict(partitioner=dict(type='NumWorkerPartitioner', num_worker=2),
                     runner=dict(type='LocalRunner', max_num_workers=2, task=dict(type='OpenICLInferTask')))
        summarizer = dict(dataset_abbrs=['d'], summary_groups=[dict(name='g', subsets=['d'])])
    """
    assert problems(text) == {}


def test_all_problems_come_at_once(problems: Callable[..., dict[str, str]]) -> None:
    found = problems(
        """
        models = [
            dict(type='EchoModel', abbr='a', batch_sise=4, latency='slow', max_out_len='many'),
            dict(type='EkoModel', abbr='b'),
            dict(type='EchoModel', abbr='c', run_cfg=dict(num_gpu=1, num_gpus=8)),
        ]
        datasets = [
            dict(type='JsonlDataset', abbr='d', path='data/dd.jsonl', reader_cfg=dict(output_colum='a')),
            dict(type='JsonlDataset', abbr='e',
                 eval_cfg=dict(evaluator=dict(type='AcEvaluator'), pred_postprocessor=dict(type='genral'))),
        ]
        infer = dict(partitioner=dict(type='SizePartitioner', max_task_sise=3),
                     runner=dict(type='SlumRunner'))
        evall = dict(runner=dict(type='LocalRunner'))
        model_dataset_combinations = [dict(models=['a', 'x'], datasets=['d'])]
        summarizer = dict(sumary_groups=[])
        """,
        gpus=2,
    )
    nearest = {place: text.rpartition(" | ")[2] for place, text in found.items()}
    assert nearest == {
        "evall": "eval",
        "models[0].batch_sise": "batch_size",
        "models[0].latency": "",
        "models[0].max_out_len": "",
        "models[1].type": "EchoModel",
        "models[2].run_cfg.num_gpu": "num_gpus",
        "models[2].run_cfg.num_gpus": "",
        "datasets[0].path": "",
        "datasets[0].reader_cfg.output_colum": "output_column",
        "datasets[0].infer_cfg": "",
        "datasets[1]": "",
        "datasets[1].infer_cfg": "",
        "datasets[1].eval_cfg.evaluator.type": "AccEvaluator",
        "datasets[1].eval_cfg.pred_postprocessor.type": "general",
        "model_dataset_combinations[0].models": "",
        "infer.partitioner": "max_task_size",
        "infer.runner.type": "SlurmRunner",
        "summarizer.sumary_groups": "summary_groups",
    }
    assert "8 GPUs are asked for, and this machine has 2" in found["models[2].run_cfg.num_gpus"]
    assert "a number" in found["models[0].latency"]
    assert "the key 'path' is missing" in found["datasets[1]"]


def test_a_mistyped_section_is_told_from_a_helper_variable(problems: Callable[..., dict[str, str]]) -> None:
    text = MODELS + DATASETS + "model = models[0]\ndataset = 1\nd_datasets = []\ninfer_cfg = {}\n"
    assert problems(text) == {}
    assert set(problems(MODELS + DATASETS + "infre = dict(runner=dict(type='LocalRunner'))")) == {"infre"}
    assert set(problems(DATASETS + "modles = []")) == {"modles", "models"}


def test_a_missing_file_names_the_nearest_one(problems: Callable[..., dict[str, str]]) -> None:
    found = problems(MODELS + "datasets = [dict(type='JsonlDataset', abbr='x', path='dd.jsonl')]")
    assert found["datasets[0].path"].endswith("| d.jsonl")
    assert "there is no file 'dd.jsonl'" in found["datasets[0].path"]


def test_user_classes_are_checked_by_their_own_signature(problems: Callable[..., dict[str, str]]) -> None:
    source = """
        class Mine:
            needs = ("a_package_that_is_nowhere",)

            def __init__(self, path: str, *, size: int | None = None, words: list[str] = ()) -> None:
                pass
    """
    text = "from mine import Mine\n" + MODELS + "datasets = [dict(type=Mine, abbr='x', siz=1, words=[1])]\n"
    found = problems(text, **{"mine.py": source})
    assert set(found) == {
        "datasets[0].type",
        "datasets[0].siz",
        "datasets[0].infer_cfg",
        "datasets[0].words",
        "datasets[0]",
    }
    assert "'a_package_that_is_nowhere', which is not installed | pip install" in found["datasets[0].type"]
    assert found["datasets[0].siz"].endswith("| size")
    sys.modules.pop("mine", None)


def test_a_user_module_that_fails_is_reported_with_its_error(problems: Callable[..., dict[str, str]]) -> None:
    text = "from failing_module import X\n" + MODELS + "datasets = [dict(type=X, abbr='x')]\n"
    found = problems(text, **{"failing_module.py": "raise ValueError('oh')"})
    assert "ValueError: oh" in found["datasets[0].type"]


def test_a_user_module_that_ends_the_program_is_reported(problems: Callable[..., dict[str, str]]) -> None:
    text = "from leaving_module import X\n" + MODELS + "datasets = [dict(type=X, abbr='x')]\n"
    found = problems(text, **{"leaving_module.py": "import sys\nsys.exit(0)"})
    assert "importing 'leaving_module.X' fails: SystemExit" in found["datasets[0].type"]


def test_a_value_that_is_none_of_a_classs_choices_names_the_nearest(
    problems: Callable[..., dict[str, str]],
) -> None:
    found = problems(DATASETS + "models = [dict(type='EchoModel', abbr='m', mode='feild')]\n")
    assert found["models[0].mode"].startswith("'feild' is wrong | 'echo' or ")
    assert found["models[0].mode"].endswith("| field")


def test_an_unknown_post_processor_is_told_with_all_names(problems: Callable[..., dict[str, str]]) -> None:
    text = "models = [dict(type='EchoModel', abbr='m', pred_postprocessor=dict(type='xyzzy'))]\n"
    found = problems(DATASETS + text)
    assert "| one of extract-non-reasoning-content, " in found["models[0].pred_postprocessor.type"]


def test_a_key_that_engine_and_class_both_know_is_told_once(problems: Callable[..., dict[str, str]]) -> None:
    found = problems(DATASETS + "models = [dict(type='EchoModel', abbr='m', max_seq_len='a')]\n")
    assert set(found) == {"models[0].max_seq_len"}


def test_a_class_that_is_not_in_its_module_is_named(problems: Callable[..., dict[str, str]]) -> None:
    text = "from near_module import Reader_\n" + MODELS + "datasets = [dict(type=Reader_, abbr='x')]\n"
    found = problems(text, **{"near_module.py": "class Reader: pass"})
    assert found["datasets[0].type"].endswith("| Reader")


def test_ensure_raises_all_of_them(tree: Tree) -> None:
    root = tree({"eval.py": "models = []\ndatasets = []"})
    with pytest.raises(UserErrors) as caught:
        ensure(read_config(root / "eval.py"))
    assert len(caught.value.errors) == 2


@pytest.mark.parametrize("kind", ["HuggingFacewithChatTemplate", "HuggingFaceBaseModel", "VLLM"])
@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("end_str='x'", "stop_words"),
        ("batch_padding=True", "nothing in its place"),
        ("fastchat_template='vicuna'", "chat_template"),
        ("lora_path='x'", "peft_path"),
        ("max_completion_tokens=5", "max_out_len"),
        ("temperature=1.0", "generation_kwargs=dict(temperature=...)"),
    ],
)
def test_a_key_of_opencompass_is_told_with_what_says_the_same(
    problems: Callable[..., dict[str, str]], kind: str, key: str, instead: str
) -> None:
    found = problems(f"models = [dict(type='{kind}', abbr='m', path='x', {key})]\n" + DATASETS)
    said = found[f"models[0].{key.partition('=')[0]}"]
    assert instead in said.split(" | ")[1]


def test_the_keys_that_the_engine_reads_are_known_here() -> None:
    from evalsuite.datasets.build import ORCHESTRATOR_KEYS
    from evalsuite.worker import ENGINE_KEYS

    assert set(MODEL_KEYS) >= ENGINE_KEYS
    assert set(DATASET_KEYS) >= ORCHESTRATOR_KEYS


def test_checking_imports_no_heavy_package(tree: Tree) -> None:
    root = tree(
        {
            "d.jsonl": "{}",
            "eval.py": """
                models = [dict(type='HuggingFaceBaseModel', abbr='m', path='gpt2'),
                          dict(type='EchoModel', abbr='e')]
                datasets = [dict(type='JsonlDataset', abbr='d', path='d.jsonl')]
            """,
        }
    )
    code = (
        "import sys\nfrom evalsuite.config.read import read_config\n"
        "from evalsuite.config.check import check\n"
        f"check(read_config({str(root / 'eval.py')!r}))\n"
        "print(sorted({'torch', 'transformers', 'datasets', 'pandas', 'vllm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


TEMPLATE = """
    infer_cfg = dict(
        prompt_template=dict(type='PromptTemplate', template=dict(round=[
            dict(role={role!r}, prompt='{{{column}}}'), dict(role='BOT', prompt='{{a}}')])),
        retriever=dict(type='ZeroRetriever'), inferencer=dict(type='GenInferencer'))
    datasets = [dict(type='JsonlDataset', abbr=abbr, path='d.jsonl', infer_cfg=infer_cfg,
                     reader_cfg=dict(input_columns=['q'], output_column='a')) for abbr in {abbrs!r}]
    meta = dict(round=[dict(role='HUMAN', begin='Q: '), dict(role='BOT', begin='A: ', generate=True)])
    models = [dict(type='EchoModel', abbr='m', meta_template=meta),
              dict(type='EchoModel', abbr='n', meta_template=meta)]
"""


def test_a_placeholder_without_a_column_is_told(problems: Callable[..., dict[str, str]]) -> None:
    assert problems(TEMPLATE.format(role="HUMAN", column="q", abbrs="d")) == {}
    found = problems(TEMPLATE.format(role="HUMAN", column="qq", abbrs="d"))
    assert len(found) == 1
    place, text = found.popitem()
    assert place.startswith("datasets[0].infer_cfg.prompt_template")
    assert text.endswith("| q")


def test_a_role_that_a_model_cannot_speak_is_told_once(problems: Callable[..., dict[str, str]]) -> None:
    found = problems(TEMPLATE.format(role="SYSTEM", column="q", abbrs="de"))
    assert list(found) == ["models[0].meta_template"]
    assert "'SYSTEM'" in found["models[0].meta_template"]
    assert "datasets[0]" in found["models[0].meta_template"]
    assert "HUMAN, BOT" in found["models[0].meta_template"]


def test_a_mistyped_role_is_told_with_the_nearest(problems: Callable[..., dict[str, str]]) -> None:
    found = problems(TEMPLATE.format(role="HUMANN", column="q", abbrs="d"))
    assert [text.rpartition(" | ")[2] for text in found.values()] == ["HUMAN"]


def test_a_data_file_that_cannot_be_read_is_told(problems: Callable[..., dict[str, str]]) -> None:
    found = problems(MODELS + DATASETS, **{"d.jsonl": "no json\n"})
    assert "no JSON" in found["datasets[0].path"]


def test_a_slurm_runner_has_slurms_options_and_its_own_gpus(problems: Callable[..., dict[str, str]]) -> None:
    text = MODELS.replace("abbr='m'", "abbr='m', run_cfg=dict(num_gpus=8)") + DATASETS
    slurm = "infer = dict(runner=dict(type='SlurmRunner', partition='a100', retry=2, {}))"
    assert problems(text + slurm.format("account='me', cpus=4"), gpus=0) == {}
    found = problems(text + slurm.format("acount='me', cpus='many'"), gpus=0)
    assert set(found) == {"infer.runner.acount", "infer.runner.cpus"}
    assert found["infer.runner.acount"].endswith("| account")
    assert set(problems(text + "infer = dict(runner=dict(type='LocalRunner', account='me'))")) == {
        "infer.runner.account"
    }


def test_a_secret_of_the_wrong_type_is_not_shown(problems: Callable[..., dict[str, str]]) -> None:
    source = "class Mine:\n    def __init__(self, api_key: int = 0): pass\n"
    text = "from secretive import Mine\nmodels = [dict(type=Mine, abbr='m', api_key='sk-123')]\n" + DATASETS
    found = problems(text, **{"secretive.py": source})
    assert found == {"models[0].api_key": "[redacted] is wrong | a whole number | "}
