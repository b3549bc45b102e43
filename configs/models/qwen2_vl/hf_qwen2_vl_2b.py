# Qwen2-VL 2B, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='qwen2_vl_2b_hf',
        path='Qwen/Qwen2-VL-2B',
        max_out_len=512,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
