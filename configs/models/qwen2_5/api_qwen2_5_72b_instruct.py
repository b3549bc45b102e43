# Qwen2.5 behind an OpenAI-compatible URL; the key comes from the environment.
models = [
    dict(
        type='OpenAI',
        abbr='qwen2_5_72b_instruct_api',
        path='qwen2.5-72b-instruct',
        base_url='https://dashscope.aliyuncs.com/compatible-mode/v1',
        key='ENV',
        max_out_len=2048,
    ),
]
