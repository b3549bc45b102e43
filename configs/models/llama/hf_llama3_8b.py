# Llama 3 8b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='llama3_8b_hf',
        path='meta-llama/Meta-Llama-3-8B',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
