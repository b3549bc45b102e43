# Qwen2-VL 7B, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='qwen2_vl_7b_hf',
        path='Qwen/Qwen2-VL-7B',
        max_out_len=512,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
