# MBPP and MBPP+ as in Qwen2.5-Coder's instruct table: the question of humaneval_qwen.py, EvalPlus's own clean-up.
from mmengine.config import read_base

with read_base():
    from ..humaneval.humaneval_qwen import infer_cfg

mbpp_qwen_datasets = [
    dict(
        abbr=abbr,
        type='evalsuite.datasets.humaneval.MbppPlus',
        reader_cfg=dict(input_columns=['stem'], output_column='canonical_solution'),
        infer_cfg=infer_cfg,
        eval_cfg=dict(
            evaluator=dict(
                type='evalsuite.evaluators.code.evalplus.EvalPlusEvaluator',
                rules='0.2.1',
                extract='sanitize',
                count=count,
            )
        ),
    )
    for abbr, count in (('mbpp', 'base'), ('mbpp_plus', 'plus'))
]
