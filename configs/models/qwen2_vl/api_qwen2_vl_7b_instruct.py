# Qwen2-VL behind an OpenAI-compatible URL; the key comes from the environment.
models = [
    dict(
        type='OpenAI',
        abbr='qwen2_vl_7b_instruct_api',
        path='qwen2-vl-7b-instruct',
        base_url='https://dashscope.aliyuncs.com/compatible-mode/v1',
        key='ENV',
        max_out_len=1024,
    ),
]
