# MBPP and MBPP+ for base models, as Qwen2.5-Coder's base table was made (EvalPlus's 399 problems, rules 0.2.1).
# `mbpp` counts the base inputs alone, `mbpp_plus` all of them.
infer_cfg = dict(
    prompt_template=dict(type='PromptTemplate', template='{stem}\n'),
    retriever=dict(type='ZeroRetriever'),
    inferencer=dict(
        type='GenInferencer',
        max_out_len=768,
        stopping_criteria=[
            '<|endoftext|>', '<|endofmask|>', '</s>', '\nif __name__', '\ndef main(', '\nprint(',
            '\n"""', '\nassert', '\n```\n', ' ``` ',
        ],
    ),
)

mbpp_datasets = [
    dict(
        abbr=abbr,
        type='evalsuite.datasets.humaneval.MbppPlus',
        reader_cfg=dict(input_columns=['stem'], output_column='canonical_solution'),
        infer_cfg=infer_cfg,
        eval_cfg=dict(
            evaluator=dict(
                type='evalsuite.evaluators.code.evalplus.EvalPlusEvaluator',
                rules='0.2.1',
                count=count,
                extract='completion',
            )
        ),
    )
    for abbr, count in (('mbpp', 'base'), ('mbpp_plus', 'plus'))
]
