# HumanEval and HumanEval+ as in Qwen2.5-Coder's instruct table: the assistant's turn is begun for it, and what follows
# is cleaned as EvalPlus does it. For endpoints that cannot go on with a turn: humaneval_chat.py.
infer_cfg = dict(
    prompt_template=dict(
        type='RawPromptTemplate',
        messages=[
            dict(
                role='system',
                content='You are an intelligent programming assistant to produce Python algorithmic solutions',
            ),
            dict(role='user', content='Can you complete the following Python function?\n```python\n{stem}\n```\n'),
            dict(role='assistant', content='```python\n'),
        ],
    ),
    retriever=dict(type='ZeroRetriever'),
    inferencer=dict(
        type='GenInferencer',
        max_out_len=2048,
        stopping_criteria=[
            '<|endoftext|>', '<|endofmask|>', '</s>', '\nif __name__', '\ndef main(', '\nprint(', '\n#', '\n```',
        ],
    ),
)

humaneval_qwen_datasets = [
    dict(
        abbr=abbr,
        type='evalsuite.datasets.humaneval.HumanEvalPlus',
        reader_cfg=dict(input_columns=['stem'], output_column='canonical_solution'),
        infer_cfg=infer_cfg,
        eval_cfg=dict(
            evaluator=dict(
                type='evalsuite.evaluators.code.evalplus.EvalPlusEvaluator', extract='sanitize', count=count
            )
        ),
    )
    for abbr, count in (('humaneval', 'base'), ('humaneval_plus', 'plus'))
]
