# InternLM behind its OpenAI-compatible URL; the key comes from the environment.
models = [
    dict(
        type='OpenAI',
        abbr='internlm3_latest_api',
        path='internlm3-latest',
        base_url='https://chat.intern-ai.org.cn/api/v1',
        key='ENV',
        max_out_len=2048,
    ),
]
