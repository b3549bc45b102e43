# BigCodeBench for chat models, complete and instruct.
bigcodebench_chat_datasets = [
    dict(
        abbr=f'bigcodebench_{subset}_{split}',
        type='evalsuite.datasets.bigcodebench.BigCodeBench',
        subset=subset,
        reader_cfg=dict(input_columns=[f'{split}_prompt'], output_column='canonical_solution'),
        infer_cfg=dict(
            prompt_template=dict(
                type='PromptTemplate',
                template=dict(round=[
                    dict(
                        role='HUMAN',
                        prompt='Please provide a self-contained Python script that solves the following problem '
                        'in a markdown code block:\n```\n{' + split + '_prompt}\n```\n',
                    ),
                    dict(role='BOT', prompt=''),
                ]),
            ),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len=1280),
        ),
        eval_cfg=dict(
            evaluator=dict(type='evalsuite.evaluators.code.bigcodebench.BigCodeBenchEvaluator', split=split)
        ),
    )
    for subset in ('full', 'hard')
    for split in ('complete', 'instruct')
]
