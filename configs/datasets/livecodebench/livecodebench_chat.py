# LiveCodeBench. The data file at hand (first release, May 2023 to March 2024) holds the public tests only: a score
# on it is not LiveCodeBench's and cannot be put beside published ones. A window that the file does not cover is
# refused; give the file of a later release, with its private tests, as `path`.
# Code generation over the file's whole time span and over the windows of published tables; other
# windows: start_date and end_date. Qwen's instruct table: livecodebench_qwen.
question = (
    'You will be given a question (problem specification) and will generate a correct Python program that matches the '
    'specification and passes all tests. You will NOT return anything except for the program.\n\n'
    'Question: {question_content}\n\n{ask}'
)


def generation(abbr, **window):
    return dict(
        abbr=abbr,
        type='evalsuite.datasets.livecodebench.LiveCodeBench',
        reader_cfg=dict(input_columns=['question_content', 'ask'], output_column='tests'),
        infer_cfg=dict(
            prompt_template=dict(
                type='PromptTemplate',
                template=dict(round=[dict(role='HUMAN', prompt=question), dict(role='BOT', prompt='')]),
            ),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len=2048),
        ),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.livecodebench.LiveCodeBenchEvaluator')),
        **window,
    )


def prediction(part, prompt, columns):
    return dict(
        abbr=f'livecodebench_{part}',
        type='evalsuite.datasets.livecodebench.LiveCodeBenchRows',
        part=part,
        reader_cfg=dict(input_columns=columns, output_column='expected'),
        infer_cfg=dict(
            prompt_template=dict(
                type='PromptTemplate',
                template=dict(round=[dict(role='HUMAN', prompt=prompt), dict(role='BOT', prompt='')]),
            ),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len=2048),
        ),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.livecodebench.OutputPredictionEvaluator')),
    )


livecodebench_datasets = [
    generation('livecodebench_generation'),
    generation('livecodebench_generation_clean', errata='drop'),
    generation('livecodebench_2305_2408', start_date='2023-05-01', end_date='2024-08-31'),
    generation('livecodebench_2407_2411', start_date='2024-07-01', end_date='2024-11-30'),
    prediction(
        'test_output',
        'Complete the test so that it asserts what a right solution returns. Answer with one assertion in a code '
        'block.\n\nProblem:\n{question_content}\n\nFunction:\n{starter_code}\n\nInput:\n{test_input}\n',
        ['question_content', 'starter_code', 'test_input'],
    ),
    prediction(
        'execution',
        'What does this assertion have to say behind == to hold? Answer with the whole assertion between [ANSWER] and '
        '[/ANSWER].\n\n{code}\n\nassert {input} == ??\n',
        ['code', 'input'],
    ),
]
