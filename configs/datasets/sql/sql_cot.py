# Spider and BIRD for chat models that think first: the query stands between [SQL] and [/SQL].
spider_prompt = (
    '{schema}\n-- Using valid SQLite, answer the following questions for the tables provided above.\n'
    'Question: {question}\n\nPlease think step-by-step and output the final SQL query between [SQL] and [/SQL].'
)
bird_prompt = (
    '{schema}\n-- External Knowledge: {evidence}\n\n-- Using valid SQLite and understanding External Knowledge, answer '
    'the following questions for the tables provided above.\n\nQuestion: {question}\n\nPlease think step-by-step and output the final SQL query between [SQL] and [/SQL].'
)

spider_bird_cot_datasets = [
    dict(
        abbr=f'{abbr}_cot',
        type=f'evalsuite.datasets.sql.{loader}',
        reader_cfg=dict(input_columns=['schema', 'question', 'evidence'], output_column='gold'),
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template=dict(round=[dict(role='HUMAN', prompt=prompt), dict(role='BOT', prompt='')])),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(
                type='GenInferencer', max_out_len=4096
            ),
        ),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.sql.SqlEvaluator', compare=compare)),
    )
    for abbr, loader, compare, prompt in (
        ('spider', 'Spider', 'columns', spider_prompt),
        ('bird', 'Bird', 'set', bird_prompt),
    )
]
