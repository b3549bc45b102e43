# Fill-in-the-middle for base models. `family` chooses the tokens: qwen, deepseek, starcoder, santacoder, codellama,
# codegemma, codestral. CrossCodeEval, CrossCodeLongEval and RepoEval need their files: see fim_repository.py.
family = 'qwen'
ends = dict(
    qwen=['<|endoftext|>', '<|fim_pad|>', '<|file_sep|>', '<|repo_name|>', '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'],
    deepseek=['<｜end▁of▁sentence｜>', '<|EOT|>'],
    starcoder=['<|endoftext|>', '<file_sep>', '<fim_pad>'],
    santacoder=['<|endoftext|>', '<fim-pad>'],
    codellama=['<EOT>', '</s>'],
    codegemma=['<|file_separator|>', '<eos>', '<end_of_turn>'],
    codestral=['</s>'],
)[family]


def infer(max_out_len):
    return dict(
        prompt_template=dict(type='PromptTemplate', template='{fim_prompt}'),
        retriever=dict(type='ZeroRetriever'),
        inferencer=dict(type='GenInferencer', max_out_len=max_out_len, stopping_criteria=ends),
    )


humaneval_infilling_datasets = [
    dict(
        abbr=f'humaneval_infilling_{subset}',
        type='evalsuite.datasets.infilling.HumanEvalInfilling',
        subset=subset,
        family=family,
        reader_cfg=dict(input_columns=['fim_prompt'], output_column='canonical_solution'),
        infer_cfg=infer(512),
        eval_cfg=dict(
            evaluator=dict(
                type='evalsuite.evaluators.code.infilling.InfillingEvaluator',
                lines='one' if subset == 'single_line' else 'all',
            )
        ),
    )
    for subset in ('single_line', 'multi_line', 'random_span', 'random_span_light')
]
safim_datasets = [
    dict(
        abbr=f'safim_{subset}',
        type='evalsuite.datasets.infilling.Safim',
        subset=subset,
        family=family,
        reader_cfg=dict(input_columns=['fim_prompt'], output_column='ground_truth'),
        infer_cfg=infer(512),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.infilling.SafimEvaluator')),
    )
    for subset in ('block', 'control', 'api')
]
santacoder_fim_datasets = [
    dict(
        abbr='santacoder_fim' if language is None else f'santacoder_fim_{language}',
        type='evalsuite.datasets.infilling.SantaCoderFim',
        language=language,
        family=family,
        reader_cfg=dict(input_columns=['fim_prompt'], output_column='canonical_solution'),
        infer_cfg=infer(64),
        eval_cfg=dict(evaluator=dict(type='evalsuite.evaluators.code.infilling.LineMatchEvaluator')),
    )
    for language in (None, 'py', 'java', 'js')
]
