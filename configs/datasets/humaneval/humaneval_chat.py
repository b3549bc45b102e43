# HumanEval and HumanEval+ for chat models: the question of Qwen2.5-Coder's instruct table.
infer_cfg = dict(
    prompt_template=dict(
        type='PromptTemplate',
        template=dict(round=[
            dict(
                role='HUMAN',
                prompt='Can you complete the following Python function?\n```python\n{stem}\n```\n',
            ),
            dict(role='BOT', prompt=''),
        ]),
    ),
    retriever=dict(type='ZeroRetriever'),
    inferencer=dict(type='GenInferencer', max_out_len=2048),
)

humaneval_chat_datasets = [
    dict(
        abbr='humaneval',
        type='evalsuite.datasets.humaneval.HumanEval',
        reader_cfg=dict(input_columns=['stem'], output_column='canonical_solution'),
        infer_cfg=infer_cfg,
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.function_tests.HumanEvalEvaluator')),
    ),
    dict(
        abbr='humaneval_plus',
        type='evalsuite.datasets.humaneval.HumanEvalPlus',
        reader_cfg=dict(input_columns=['stem'], output_column='canonical_solution'),
        infer_cfg=infer_cfg,
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.evalplus.EvalPlusEvaluator')),
    ),
]
