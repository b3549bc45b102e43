# Llama 2 7b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='llama2_7b_hf',
        path='meta-llama/Llama-2-7b-hf',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
