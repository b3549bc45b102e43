# TigerBot 70b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='tigerbot_70b_base_hf',
        path='TigerResearch/tigerbot-70b-base',
        max_out_len=1024,
        batch_size=8,
        run_cfg=dict(num_gpus=4),
    ),
]
