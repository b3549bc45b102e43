# The shipped demo models on the shipped demo benchmarks: offline, on a CPU, in seconds.
from mmengine.config import read_base

with read_base():
    from .datasets.demo.demo_arithmetic import demo_arithmetic_datasets
    from .datasets.demo.demo_code import demo_code_chat_datasets, demo_code_datasets
    from .models.demo.hf_demo import models

datasets = sum([v for k, v in locals().items() if k.endswith('_datasets')], [])

# Base models continue text, chat models answer; each gets the benchmarks made for it.
model_dataset_combinations = [
    dict(
        models=[m for m in models if m['abbr'].endswith('_base')],
        datasets=demo_code_datasets + demo_arithmetic_datasets,
    ),
    dict(models=[m for m in models if m['abbr'].endswith('_chat')], datasets=demo_code_chat_datasets),
]
