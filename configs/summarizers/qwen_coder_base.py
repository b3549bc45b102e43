# Qwen2.5-Coder's base table: its rows, and the published figures of the 1.5B and 7B models beside them.
multipl_e = [f'multipl_e_{x}' for x in ('java', 'cpp', 'js', 'cs', 'php', 'sh', 'ts')]
santacoder = [f'santacoder_fim_{x}' for x in ('py', 'java', 'js')]
crosscode = [f'crosscodeeval_{x}' for x in ('python', 'java', 'csharp', 'typescript')]
published = {
    'Qwen2.5-Coder-1.5B': dict(
        humaneval=43.9, humaneval_plus=36.6, mbpp=69.2, mbpp_plus=58.6,
        multipl_e_java=38.61, multipl_e_cpp=42.86, multipl_e_js=47.83, multipl_e_cs=48.73,
        multipl_e_php=44.1, multipl_e_sh=22.15, multipl_e_ts=47.8,
        cruxeval_input_cot=43.8, cruxeval_output_cot=34.6,
        bigcodebench_full_complete=34.82, bigcodebench_hard_complete=9.46,
    ),
    'Qwen2.5-Coder-7B': dict(
        humaneval=61.6, humaneval_plus=53.0, mbpp=76.9, mbpp_plus=62.9,
        multipl_e_java=53.16, multipl_e_cpp=62.11, multipl_e_js=60.25, multipl_e_cs=60.76,
        multipl_e_php=59.01, multipl_e_sh=38.61, multipl_e_ts=64.15,
        cruxeval_input_cot=56.5, cruxeval_output_cot=56.0,
        bigcodebench_full_complete=45.88, bigcodebench_hard_complete=16.22,
    ),
}

summarizer = dict(
    dataset_abbrs=[
        'humaneval', 'humaneval_plus', 'mbpp', 'mbpp_plus', *multipl_e, 'multipl_e',
        'cruxeval_input_cot', 'cruxeval_output_cot', 'bigcodebench_full_complete', 'bigcodebench_hard_complete',
        'humaneval_infilling_single_line', 'humaneval_infilling_multi_line', 'humaneval_infilling_random_span',
        *santacoder, 'santacoder_fim_average', *crosscode, 'crosscodeeval',
        'crosscodelongeval_chunk', 'crosscodelongeval_function', 'repoeval_line', 'repoeval_api', 'repoeval_function',
    ],
    summary_groups=[
        dict(name='multipl_e', subsets=multipl_e),
        dict(name='santacoder_fim_average', subsets=santacoder),
        dict(name='crosscodeeval', subsets=crosscode),
    ],
    reference_columns=[dict(name=name, values=values) for name, values in published.items()],
)
