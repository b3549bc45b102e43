# Qwen3 14B, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='qwen3_14b_base_hf',
        path='Qwen/Qwen3-14B-Base',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
