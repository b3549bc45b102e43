# Llama 2 13b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='llama2_13b_hf',
        path='meta-llama/Llama-2-13b-hf',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
