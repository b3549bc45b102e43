# Spider and BIRD for base models: schema, question, and the first word of the query.
spider_prompt = (
    '{schema}\n-- Using valid SQLite, answer the following questions for the tables provided above.\n'
    'Question: {question}\n\nSELECT '
)
bird_prompt = (
    '{schema}\n-- External Knowledge: {evidence}\n\n-- Using valid SQLite and understanding External Knowledge, answer '
    'the following questions for the tables provided above.\n\nQuestion: {question}\n\nSELECT '
)

spider_bird_datasets = [
    dict(
        abbr=abbr,
        type=f'evalsuite.datasets.sql.{loader}',
        reader_cfg=dict(input_columns=['schema', 'question', 'evidence'], output_column='gold'),
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template=prompt),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(
                type='GenInferencer', max_out_len=512, stopping_criteria=[';', '<pad>', '<|endoftext|>', '</s>']
            ),
        ),
        eval_cfg=dict(
            evaluator=dict(type='evalsuite.evaluators.code.sql.SqlEvaluator', compare=compare, prefix='SELECT ')
        ),
    )
    for abbr, loader, compare, prompt in (
        ('spider', 'Spider', 'columns', spider_prompt),
        ('bird', 'Bird', 'set', bird_prompt),
    )
]
