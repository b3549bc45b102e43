# CRUXEval as in Qwen2.5-Coder's instruct table: chat models, too, go on with a plain text.
from mmengine.config import read_base

with read_base():
    from .cruxeval_gen import cruxeval_datasets as base

cruxeval_qwen_datasets = [{**each, 'infer_cfg': {**each['infer_cfg'], 'as_text': True}} for each in base]
