# MultiPL-E for base models, as Qwen2.5-Coder's base table was made. The stop strings of each language end the
# answer when it is graded. The published Bash figures come from a machine without `bc`.
multipl_e_datasets = [
    dict(
        abbr=f'multipl_e_{language}',
        type='evalsuite.datasets.multipl_e.MultiPLE',
        language=language,
        reader_cfg=dict(input_columns=['stem'], output_column='tests'),
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template='{stem}\n'),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(
                type='GenInferencer',
                max_out_len=500,
                stopping_criteria=['<|endoftext|>', '<|endofmask|>', '</s>'],
            ),
        ),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.multipl_e.MultiPLEEvaluator', chat=False)),
    )
    for language in ('python', 'cpp', 'java', 'php', 'ts', 'cs', 'sh', 'js', 'go', 'rs')
]
