# Qwen2.5-Coder's instruct tables in one run, as far as they need no judge and no agent.
from mmengine.config import read_base

with read_base():
    from .datasets.bigcodebench.bigcodebench_qwen import bigcodebench_qwen_datasets
    from .datasets.cruxeval.cruxeval_qwen import cruxeval_qwen_datasets
    from .datasets.humaneval.humaneval_qwen import humaneval_qwen_datasets
    from .datasets.livecodebench.livecodebench_qwen import livecodebench_datasets
    from .datasets.mbpp.mbpp_qwen import mbpp_qwen_datasets
    from .datasets.multipl_e.multipl_e_chat import multipl_e_chat_datasets
    from .datasets.sql.sql_chat import spider_bird_chat_datasets
    from .models.qwen2_5_coder.hf_qwen2_5_coder_1_5b_instruct import models as qwen_1_5b_instruct
    from .summarizers.qwen_coder_instruct import summarizer

models = qwen_1_5b_instruct
datasets = (
    humaneval_qwen_datasets
    + mbpp_qwen_datasets
    + [d for d in bigcodebench_qwen_datasets if d['abbr'].endswith('_instruct')]
    + [d for d in livecodebench_datasets if d['abbr'] == 'livecodebench_2407_2411']
    + [d for d in multipl_e_chat_datasets if d['language'] not in ('go', 'rs')]
    + [d for d in cruxeval_qwen_datasets if d['abbr'].endswith('_cot')]
    + spider_bird_chat_datasets
)
