# Llama 3.2 3b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='llama3_2_3b_hf',
        path='meta-llama/Llama-3.2-3B',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
