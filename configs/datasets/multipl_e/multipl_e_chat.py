# MultiPL-E for chat models: the question of Qwen2.5-Coder's instruct table.
multipl_e_chat_datasets = [
    dict(
        abbr=f'multipl_e_{language}',
        type='evalsuite.datasets.multipl_e.MultiPLE',
        language=language,
        reader_cfg=dict(input_columns=['stem', 'language'], output_column='tests'),
        infer_cfg=dict(
            prompt_template=dict(
                type='PromptTemplate',
                template=dict(round=[
                    dict(
                        role='HUMAN',
                        prompt='Please continue to complete the function and return all completed code in a '
                        'codeblock. Here is the given code to do completion:\n```{language}\n{stem}\n```',
                    ),
                    dict(role='BOT', prompt=''),
                ]),
            ),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len=4096),
        ),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.multipl_e.MultiPLEEvaluator', chat=True)),
    )
    for language in ('python', 'cpp', 'java', 'php', 'ts', 'cs', 'sh', 'js', 'go', 'rs')
]
