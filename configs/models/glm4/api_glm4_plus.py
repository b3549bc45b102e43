# GLM-4 Plus behind its OpenAI-compatible URL; the key comes from the environment.
models = [
    dict(
        type='OpenAI',
        abbr='glm4_plus_api',
        path='glm-4-plus',
        base_url='https://open.bigmodel.cn/api/paas/v4',
        key='ENV',
        max_out_len=2048,
    ),
]
