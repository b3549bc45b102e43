# Qwen3 0.6B, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='qwen3_0_6b_base_hf',
        path='Qwen/Qwen3-0.6B-Base',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
