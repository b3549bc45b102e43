# BigCodeBench for base models: complete prompts as they stand, and instructions behind the function's head.
stops = [
    '<|endoftext|>', '<|endofmask|>', '</s>', '\nif __name__', '\ndef main(', '\nprint(',
    '\ndef ', '\nclass ', '\nimport ', '\nfrom ', '\nassert ', '\n```\n', ' ``` ',
]

bigcodebench_datasets = [
    dict(
        abbr=f'bigcodebench_{subset}_complete',
        type='evalsuite.datasets.bigcodebench.BigCodeBench',
        subset=subset,
        reader_cfg=dict(input_columns=['complete_prompt'], output_column='canonical_solution'),
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template='{complete_prompt}'),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len=1280, stopping_criteria=stops),
        ),
        eval_cfg=dict(
            evaluator=dict(type='evalsuite.evaluators.code.bigcodebench.BigCodeBenchEvaluator', split='complete')
        ),
    )
    for subset in ('full', 'hard')
]
