# Completion with other files in sight. Put the files (they are not free to ship) under these names into a folder that
# EVALSUITE_DATA names, or into the cache that `evalsuite data list` shows.
# Qwen's room: 8192 tokens, of which 2048 behind the hole and 2048 of other files. Name the model's `tokenizer` to
# have them counted; without one they are guessed from characters. Functions keep 256 tokens free, and yet Qwen's
# figures were made with answers of 50.
ends = ['<|endoftext|>', '<|fim_pad|>', '<|file_sep|>']


def completion(abbr, name, task, context):
    return dict(
        abbr=abbr,
        type='evalsuite.datasets.infilling.RepositoryCompletion',
        name=name,
        family='qwen',
        context=context,
        answer_tokens=256 if task == 'function' else 50,
        reader_cfg=dict(input_columns=['fim_prompt'], output_column='groundtruth'),
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template='{fim_prompt}'),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len=50, stopping_criteria=ends),
        ),
        eval_cfg=dict(
            evaluator=dict(type='evalsuite.evaluators.code.infilling.CompletionMatchEvaluator', task=task)
        ),
    )


crosscodeeval_datasets = [
    completion(
        f'crosscodeeval_{language}',
        f'crosscodeeval/{language}/line_completion_oracle_bm25.jsonl',
        'line',
        'codelm_right_cfc_left',
    )
    for language in ('python', 'java', 'csharp', 'typescript')
]
crosscodelongeval_datasets = [
    completion(
        f'crosscodelongeval_{task}',
        f'crosscodelongeval/python_{task}_completion_sparse_oracle.jsonl',
        task,
        'codelm_right_cfc_left',
    )
    for task in ('chunk', 'function')
]
repoeval_datasets = [
    completion(
        f'repoeval_{task}',
        f'repoeval/python_{task}_completion_sparse_oracle.jsonl',
        task,
        'codelm_right_cfc_left',
    )
    for task in ('line', 'api', 'function')
]
