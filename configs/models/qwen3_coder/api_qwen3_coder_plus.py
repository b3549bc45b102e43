# Qwen3-Coder behind an OpenAI-compatible URL; the key comes from the environment.
models = [
    dict(
        type='OpenAI',
        abbr='qwen3_coder_plus_api',
        path='qwen3-coder-plus',
        base_url='https://dashscope.aliyuncs.com/compatible-mode/v1',
        key='ENV',
        max_out_len=4096,
    ),
]
