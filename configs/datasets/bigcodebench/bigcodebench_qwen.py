# BigCodeBench as in Qwen2.5-Coder's instruct table: the assistant's turn is begun for it. For endpoints that cannot go
# on with a turn: bigcodebench_chat.py.
bigcodebench_qwen_datasets = [
    dict(
        abbr=f'bigcodebench_{subset}_{split}',
        type='evalsuite.datasets.bigcodebench.BigCodeBench',
        subset=subset,
        reader_cfg=dict(input_columns=[f'{split}_stem'], output_column='canonical_solution'),
        infer_cfg=dict(
            prompt_template=dict(
                type='RawPromptTemplate',
                messages=[
                    dict(
                        role='user',
                        content='Please provide a self-contained Python script that solves the following problem '
                        'in a markdown code block:\n```\n{' + split + '_stem}\n```\n',
                    ),
                    dict(
                        role='assistant',
                        content='Below is a Python script with a self-contained function that solves the problem '
                        'and passes corresponding tests:\n```python\n',
                    ),
                ],
            ),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(
                type='GenInferencer',
                max_out_len=1280,
                stopping_criteria=[
                    '<|endoftext|>', '<|endofmask|>', '</s>', '\nif __name__', '\ndef main(', '\nprint(', '\n```\n',
                ],
            ),
        ),
        eval_cfg=dict(
            evaluator=dict(type='evalsuite.evaluators.code.bigcodebench.BigCodeBenchEvaluator', split=split)
        ),
    )
    for subset in ('full', 'hard')
    for split in ('complete', 'instruct')
]
