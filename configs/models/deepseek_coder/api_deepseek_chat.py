# DeepSeek behind its OpenAI-compatible URL; the key comes from the environment.
models = [
    dict(
        type='OpenAI',
        abbr='deepseek_chat_api',
        path='deepseek-chat',
        base_url='https://api.deepseek.com/v1',
        key='ENV',
        max_out_len=2048,
    ),
]
