# Qwen2 1.5B, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='qwen2_1_5b_hf',
        path='Qwen/Qwen2-1.5B',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
