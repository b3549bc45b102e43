# Qwen2 behind an OpenAI-compatible URL; the key comes from the environment.
models = [
    dict(
        type='OpenAI',
        abbr='qwen2_7b_instruct_api',
        path='qwen2-7b-instruct',
        base_url='https://dashscope.aliyuncs.com/compatible-mode/v1',
        key='ENV',
        max_out_len=2048,
    ),
]
