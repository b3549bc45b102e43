# TigerBot 70b behind an OpenAI-compatible server of your own (for example `vllm serve`).
models = [
    dict(
        type='OpenAI',
        abbr='tigerbot_70b_chat_api',
        path='tigerbot-70b-chat',
        base_url='http://localhost:8000/v1',
        key='ENV',
        max_out_len=1024,
    ),
]
