# HumanEval and HumanEval+ for base models, as Qwen2.5-Coder's base table was made: the bare prompt and a newline.
stops = [
    '<|endoftext|>', '<|endofmask|>', '</s>', '\nif __name__', '\ndef main(', '\nprint(',
    '\ndef ', '\nclass ', '\nimport ', '\nfrom ', '\nassert ', '\n```\n', ' ``` ',
]

infer_cfg = dict(
    prompt_template=dict(type='PromptTemplate', template='{stem}\n'),
    retriever=dict(type='ZeroRetriever'),
    inferencer=dict(type='GenInferencer', max_out_len=768, stopping_criteria=stops),
)

humaneval_datasets = [
    dict(
        abbr='humaneval',
        type='evalsuite.datasets.humaneval.HumanEval',
        reader_cfg=dict(input_columns=['stem'], output_column='canonical_solution'),
        infer_cfg=infer_cfg,
        eval_cfg=dict(evaluator=dict(
            type='evalsuite.evaluators.code.function_tests.HumanEvalEvaluator', extract='completion'
        )),
    ),
    dict(
        abbr='humaneval_plus',
        type='evalsuite.datasets.humaneval.HumanEvalPlus',
        reader_cfg=dict(input_columns=['stem'], output_column='canonical_solution'),
        infer_cfg=infer_cfg,
        eval_cfg=dict(evaluator=dict(
            type='evalsuite.evaluators.code.evalplus.EvalPlusEvaluator', extract='completion'
        )),
    ),
]
