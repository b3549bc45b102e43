# DS-1000: the prompt as it stands, for base and chat models alike; the answer ends where the solution is closed.
ds1000_datasets = [
    dict(
        abbr='ds1000',
        type='evalsuite.datasets.ds1000.DS1000',
        reader_cfg=dict(input_columns=['prompt'], output_column='reference_code'),
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template='{prompt}'),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(
                type='GenInferencer',
                max_out_len=1024,
                stopping_criteria=['</code>', '# SOLUTION END', '\nEND SOLUTION'],
            ),
        ),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.ds1000.DS1000Evaluator')),
    )
]
