# MBPP as first published: three solved examples, then the question; the test split, full (500) and sanitized (257).
mbpp_google_datasets = [
    dict(
        abbr=abbr,
        type=f'evalsuite.datasets.humaneval.{loader}',
        reader_cfg=dict(input_columns=['text', 'tests'], output_column='code'),
        infer_cfg=dict(
            ice_template=dict(
                type='PromptTemplate',
                template='You are an expert Python programmer, and here is your task: {text} '
                'Your code should pass these tests:\n\n{tests}\n[BEGIN]\n{code}\n[DONE]\n\n',
            ),
            prompt_template=dict(
                type='PromptTemplate',
                template='</E>You are an expert Python programmer, and here is your task: {text} '
                'Your code should pass these tests:\n\n{tests}\n[BEGIN]\n',
                ice_token='</E>',
            ),
            retriever=dict(type='FixKRetriever', fix_id_list=[1, 2, 3]),
            inferencer=dict(type='GenInferencer', max_out_len=512, stopping_criteria=['[DONE]']),
        ),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.function_tests.MbppEvaluator')),
    )
    for abbr, loader in (('mbpp_full', 'Mbpp'), ('mbpp_sanitized', 'SanitizedMbpp'))
]
