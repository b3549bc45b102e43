# Llama 2 70b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='llama2_70b_hf',
        path='meta-llama/Llama-2-70b-hf',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=4),
    ),
]
