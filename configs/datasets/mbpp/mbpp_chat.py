# MBPP and MBPP+ for chat models: the question of Qwen2.5-Coder's instruct table.
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

mbpp_chat_datasets = [
    dict(
        abbr=abbr,
        type='evalsuite.datasets.humaneval.MbppPlus',
        reader_cfg=dict(input_columns=['stem'], output_column='canonical_solution'),
        infer_cfg=infer_cfg,
        eval_cfg=dict(
            evaluator=dict(
                type='evalsuite.evaluators.code.evalplus.EvalPlusEvaluator', rules='0.2.1', count=count
            )
        ),
    )
    for abbr, count in (('mbpp', 'base'), ('mbpp_plus', 'plus'))
]
