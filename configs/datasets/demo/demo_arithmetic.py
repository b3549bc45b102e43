# Four answers to choose from; the one that the model finds likeliest counts (by log-likelihood, three examples).
demo_arithmetic_datasets = [
    dict(
        type='JsonlDataset',
        abbr='demo_arithmetic',
        path='data/demo/arithmetic.jsonl',
        train_path='data/demo/arithmetic_train.jsonl',
        reader_cfg=dict(input_columns=['question', 'A', 'B', 'C', 'D'], output_column='answer'),
        infer_cfg=dict(
            ice_template=dict(
                type='PromptTemplate',
                template={letter: f'Question: {{question}}\nAnswer: {{{letter}}}\n' for letter in 'ABCD'},
            ),
            prompt_template=dict(
                type='PromptTemplate',
                template={letter: f'</E>Question: {{question}}\nAnswer: {{{letter}}}' for letter in 'ABCD'},
                ice_token='</E>',
            ),
            retriever=dict(type='FixKRetriever', fix_id_list=[0, 1, 2]),
            inferencer=dict(type='PPLInferencer'),
        ),
        eval_cfg=dict(evaluator=dict(type='AccEvaluator')),
    )
]
