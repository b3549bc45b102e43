# Qwen2.5 0.5B, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='qwen2_5_0_5b_hf',
        path='Qwen/Qwen2.5-0.5B',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
