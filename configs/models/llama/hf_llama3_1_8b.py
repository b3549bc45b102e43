# Llama 3.1 8b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='llama3_1_8b_hf',
        path='meta-llama/Llama-3.1-8B',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
