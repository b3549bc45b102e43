# Qwen2.5-Coder's instruct tables: their rows, and the published figures of the 32B model in all its quantisations.
multipl_e = [f'multipl_e_{x}' for x in ('python', 'java', 'cpp', 'cs', 'ts', 'js', 'php', 'sh')]
published = {
    'Qwen2.5-Coder-32B': dict(
        humaneval=92.7, humaneval_plus=87.2, mbpp=90.2, mbpp_plus=75.1,
        bigcodebench_full_instruct=49.6, bigcodebench_hard_instruct=27.0, livecodebench_2407_2411=31.4, multipl_e_python=92.7,
        multipl_e_java=80.4, multipl_e_cpp=79.5, multipl_e_cs=82.9, multipl_e_ts=86.8,
        multipl_e_js=85.7, multipl_e_php=78.9, multipl_e_sh=48.1, multipl_e=79.4,
        cruxeval_input_cot=75.2, cruxeval_output_cot=83.4, spider=85.1, bird=58.4,
    ),
    'Qwen2.5-Coder-32B-AWQ': dict(
        humaneval=92.1, humaneval_plus=84.1, mbpp=87.8, mbpp_plus=75.1,
        bigcodebench_full_instruct=48.9, bigcodebench_hard_instruct=27.0, livecodebench_2407_2411=31.7, multipl_e_python=90.2,
        multipl_e_java=83.5, multipl_e_cpp=80.7, multipl_e_cs=82.3, multipl_e_ts=85.5,
        multipl_e_js=85.1, multipl_e_php=79.5, multipl_e_sh=49.4, multipl_e=79.5,
        cruxeval_input_cot=75.1, cruxeval_output_cot=83.1, spider=83.6, bird=57.3,
    ),
    'Qwen2.5-Coder-32B-GPTQ-Int8': dict(
        humaneval=92.1, humaneval_plus=85.4, mbpp=90.5, mbpp_plus=76.5,
        bigcodebench_full_instruct=48.6, bigcodebench_hard_instruct=26.4, livecodebench_2407_2411=30.7, multipl_e_python=90.9,
        multipl_e_java=84.2, multipl_e_cpp=81.4, multipl_e_cs=80.4, multipl_e_ts=85.5,
        multipl_e_js=87.6, multipl_e_php=79.5, multipl_e_sh=49.4, multipl_e=79.8,
        cruxeval_input_cot=75.8, cruxeval_output_cot=83.6, spider=84.8, bird=58.1,
    ),
    'Qwen2.5-Coder-32B-GPTQ-Int4': dict(
        humaneval=89.6, humaneval_plus=83.5, mbpp=87.0, mbpp_plus=75.9,
        bigcodebench_full_instruct=49.7, bigcodebench_hard_instruct=27.0, livecodebench_2407_2411=30.3, multipl_e_python=92.1,
        multipl_e_java=83.5, multipl_e_cpp=82.6, multipl_e_cs=80.4, multipl_e_ts=84.3,
        multipl_e_js=86.3, multipl_e_php=78.3, multipl_e_sh=50.0, multipl_e=79.7,
        cruxeval_input_cot=75.8, cruxeval_output_cot=83.5, spider=85.0, bird=57.6,
    ),
    'Qwen2.5-Coder-32B-GGUF-Q8_0': dict(
        humaneval=90.9, humaneval_plus=86.0, mbpp=89.4, mbpp_plus=76.2,
        bigcodebench_full_instruct=47.7, bigcodebench_hard_instruct=23.6, livecodebench_2407_2411=31.1, multipl_e_python=90.2,
        multipl_e_java=84.8, multipl_e_cpp=82.0, multipl_e_cs=81.0, multipl_e_ts=85.5,
        multipl_e_js=87.6, multipl_e_php=80.1, multipl_e_sh=49.4, multipl_e=80.1,
        cruxeval_input_cot=80.5, cruxeval_output_cot=83.8, spider=84.5, bird=57.9,
    ),
    'Qwen2.5-Coder-32B-GGUF-Q6_K': dict(
        humaneval=90.2, humaneval_plus=86.0, mbpp=89.7, mbpp_plus=76.2,
        bigcodebench_full_instruct=48.3, bigcodebench_hard_instruct=25.7, livecodebench_2407_2411=31.6, multipl_e_python=90.9,
        multipl_e_java=83.5, multipl_e_cpp=82.0, multipl_e_cs=81.6, multipl_e_ts=84.9,
        multipl_e_js=87.0, multipl_e_php=80.7, multipl_e_sh=48.7, multipl_e=79.9,
        cruxeval_input_cot=78.1, cruxeval_output_cot=83.5, spider=84.7, bird=58.1,
    ),
    'Qwen2.5-Coder-32B-GGUF-Q5_K_M': dict(
        humaneval=90.9, humaneval_plus=85.4, mbpp=89.2, mbpp_plus=75.7,
        bigcodebench_full_instruct=48.8, bigcodebench_hard_instruct=25.7, livecodebench_2407_2411=31.4, multipl_e_python=90.2,
        multipl_e_java=83.5, multipl_e_cpp=82.6, multipl_e_cs=81.0, multipl_e_ts=85.5,
        multipl_e_js=87.0, multipl_e_php=79.5, multipl_e_sh=48.7, multipl_e=79.8,
        cruxeval_input_cot=78.4, cruxeval_output_cot=84.6, spider=85.3, bird=57.7,
    ),
    'Qwen2.5-Coder-32B-GGUF-Q5_0': dict(
        humaneval=90.9, humaneval_plus=86.0, mbpp=88.9, mbpp_plus=74.9,
        bigcodebench_full_instruct=48.4, bigcodebench_hard_instruct=23.6, livecodebench_2407_2411=30.7, multipl_e_python=90.2,
        multipl_e_java=84.8, multipl_e_cpp=82.0, multipl_e_cs=81.6, multipl_e_ts=85.5,
        multipl_e_js=87.0, multipl_e_php=80.1, multipl_e_sh=48.1, multipl_e=79.9,
        cruxeval_input_cot=80.6, cruxeval_output_cot=83.2, spider=84.9, bird=57.4,
    ),
    'Qwen2.5-Coder-32B-GGUF-Q4_K_M': dict(
        humaneval=89.6, humaneval_plus=85.4, mbpp=89.4, mbpp_plus=75.9,
        bigcodebench_full_instruct=48.9, bigcodebench_hard_instruct=24.3, livecodebench_2407_2411=29.9, multipl_e_python=90.2,
        multipl_e_java=84.8, multipl_e_cpp=81.4, multipl_e_cs=82.3, multipl_e_ts=85.5,
        multipl_e_js=86.3, multipl_e_php=80.1, multipl_e_sh=50.6, multipl_e=80.2,
        cruxeval_input_cot=79.0, cruxeval_output_cot=83.5, spider=84.5, bird=57.5,
    ),
    'Qwen2.5-Coder-32B-GGUF-Q4_0': dict(
        humaneval=89.6, humaneval_plus=85.4, mbpp=90.2, mbpp_plus=77.8,
        bigcodebench_full_instruct=48.2, bigcodebench_hard_instruct=25.7, livecodebench_2407_2411=32.6, multipl_e_python=88.4,
        multipl_e_java=82.9, multipl_e_cpp=80.1, multipl_e_cs=81.0, multipl_e_ts=86.8,
        multipl_e_js=85.7, multipl_e_php=78.3, multipl_e_sh=48.1, multipl_e=78.9,
        cruxeval_input_cot=78.5, cruxeval_output_cot=84.0, spider=84.7, bird=57.2,
    ),
    'Qwen2.5-Coder-32B-GGUF-Q3_K_M': dict(
        humaneval=91.5, humaneval_plus=86.6, mbpp=90.7, mbpp_plus=76.7,
        bigcodebench_full_instruct=48.3, bigcodebench_hard_instruct=23.6, livecodebench_2407_2411=32.0, multipl_e_python=90.9,
        multipl_e_java=84.2, multipl_e_cpp=85.1, multipl_e_cs=82.3, multipl_e_ts=84.9,
        multipl_e_js=87.0, multipl_e_php=80.1, multipl_e_sh=49.4, multipl_e=80.5,
        cruxeval_input_cot=78.8, cruxeval_output_cot=83.9, spider=84.4, bird=57.4,
    ),
    'Qwen2.5-Coder-32B-GGUF-Q2_K': dict(
        humaneval=92.7, humaneval_plus=84.8, mbpp=87.3, mbpp_plus=74.3,
        bigcodebench_full_instruct=47.6, bigcodebench_hard_instruct=23.0, livecodebench_2407_2411=28.5, multipl_e_python=90.2,
        multipl_e_java=81.0, multipl_e_cpp=82.6, multipl_e_cs=81.6, multipl_e_ts=83.6,
        multipl_e_js=84.5, multipl_e_php=80.1, multipl_e_sh=48.7, multipl_e=79.1,
        cruxeval_input_cot=75.5, cruxeval_output_cot=81.1, spider=83.4, bird=56.1,
    ),
}

summarizer = dict(
    dataset_abbrs=[
        'humaneval', 'humaneval_plus', 'mbpp', 'mbpp_plus', 'bigcodebench_full_instruct',
        'bigcodebench_hard_instruct', 'livecodebench_2407_2411', *multipl_e, 'multipl_e',
        'cruxeval_input_cot', 'cruxeval_output_cot', 'spider', 'bird',
    ],
    summary_groups=[dict(name='multipl_e', subsets=multipl_e)],
    reference_columns=[dict(name=name, values=values) for name, values in published.items()],
)
