# TigerBot 7b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='tigerbot_7b_base_hf',
        path='TigerResearch/tigerbot-7b-base',
        max_out_len=1024,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
