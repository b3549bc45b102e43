# Small Python functions, scored by running them. A micro benchmark: it shows that the way works, not who can code.
_reader = dict(input_columns=['prompt', 'instruction'], output_column=None)
_eval = dict(evaluator=dict(type='HumanEvalEvaluator'))

# For base models: the head of a function, to be continued.
demo_code_datasets = [
    dict(
        type='JsonlDataset',
        abbr='demo_code',
        path='data/demo/microcode.jsonl',
        reader_cfg=_reader,
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template='{prompt}'),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len=128, stopping_criteria=['\ndef ', '\nclass ', '\n```']),
        ),
        eval_cfg=_eval,
    )
]

# For chat models: the same tasks in words.
demo_code_chat_datasets = [
    dict(
        type='JsonlDataset',
        abbr='demo_code_chat',
        path='data/demo/microcode.jsonl',
        reader_cfg=_reader,
        infer_cfg=dict(
            prompt_template=dict(
                type='PromptTemplate', template=dict(round=[dict(role='HUMAN', prompt='{instruction}')])
            ),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len=160),
        ),
        eval_cfg=_eval,
    )
]
