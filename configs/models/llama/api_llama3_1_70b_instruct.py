# Llama 3.1 70b behind an OpenAI-compatible server of your own.
models = [
    dict(
        type='OpenAI',
        abbr='llama3_1_70b_instruct_api',
        path='meta-llama/Llama-3.1-70B-Instruct',
        base_url='http://localhost:8000/v1',
        key='ENV',
        max_out_len=2048,
    ),
]
