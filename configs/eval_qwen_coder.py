# The whole table of Qwen2.5-Coder's base report in one run. Other models: --models 'hf_demo*'. What cannot be had here
# (a benchmark's file, a library) is left out, said at the start and listed at the end. SAFIM is 17 720 problems more,
# many of them compiled: put `+ safim_datasets` behind the others, and its row into the summarizer.
from mmengine.config import read_base

with read_base():
    from .datasets.bigcodebench.bigcodebench_base import bigcodebench_datasets
    from .datasets.cruxeval.cruxeval_gen import cruxeval_datasets
    from .datasets.fim.fim_base import humaneval_infilling_datasets, santacoder_fim_datasets
    from .datasets.fim.fim_repository import crosscodeeval_datasets, crosscodelongeval_datasets, repoeval_datasets
    from .datasets.humaneval.humaneval_base import humaneval_datasets
    from .datasets.mbpp.mbpp_base import mbpp_datasets
    from .datasets.multipl_e.multipl_e_base import multipl_e_datasets
    from .models.qwen2_5_coder.hf_qwen2_5_coder_1_5b import models as qwen_1_5b
    from .summarizers.qwen_coder_base import summarizer

models = qwen_1_5b
datasets = (
    humaneval_datasets
    + mbpp_datasets
    + [d for d in multipl_e_datasets if d['language'] in ('java', 'cpp', 'js', 'cs', 'php', 'sh', 'ts')]
    + [d for d in cruxeval_datasets if d['abbr'].endswith('_cot')]
    + bigcodebench_datasets
    + [d for d in humaneval_infilling_datasets if d['subset'] != 'random_span_light']
    + [d for d in santacoder_fim_datasets if d['language'] is not None]
    + crosscodeeval_datasets
    + crosscodelongeval_datasets
    + repoeval_datasets
)
