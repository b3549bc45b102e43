# LiveCodeBench as in Qwen2.5-Coder's instruct table: ten answers at temperature 0.2, the first fenced block, the
# benchmark's reading of 2024. Windows that the data file does not cover are refused: give a later release, with its
# private tests, as `path`.
question = (
    '\nYou will be given a question (problem specification) and will generate a correct Python program that matches the '
    'specification and passes all tests. You will NOT return anything except for the program.\n\n'
    'Question: {question_content}\n\n{ask}'
)

livecodebench_datasets = [
    dict(
        abbr=abbr,
        type='evalsuite.datasets.livecodebench.LiveCodeBench',
        reader_cfg=dict(input_columns=['question_content', 'ask'], output_column='tests'),
        infer_cfg=dict(
            prompt_template=dict(
                type='RawPromptTemplate',
                messages=[
                    dict(role='system', content='You are a helpful assistant.'),
                    dict(role='user', content=question),
                ],
            ),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(
                type='GenInferencer',
                max_out_len=1200,
                stopping_criteria=['###'],
                generation_kwargs=dict(do_sample=True, temperature=0.2, top_p=0.95),
            ),
        ),
        eval_cfg=dict(
            evaluator=dict(
                type='evalsuite.evaluators.code.livecodebench.LiveCodeBenchEvaluator',
                reading='2024',
                fence='first',
                seconds=18,
            )
        ),
        n=10,
        **window,
    )
    for abbr, window in (
        ('livecodebench_generation', {}),
        ('livecodebench_2405', dict(start_date='2024-05-01')),
        ('livecodebench_2407_2411', dict(start_date='2024-07-01', end_date='2024-11-30')),
    )
]
