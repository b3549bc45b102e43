# Qwen3 32B behind an OpenAI-compatible URL; the key comes from the environment.
models = [
    dict(
        type='OpenAI',
        abbr='qwen3_32b_api',
        path='qwen3-32b',
        base_url='https://dashscope.aliyuncs.com/compatible-mode/v1',
        key='ENV',
        max_out_len=4096,
        extra_body=dict(enable_thinking=False),
    ),
]
