# DeepSeek-Coder 33b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='deepseek_coder_33b_base_hf',
        path='deepseek-ai/deepseek-coder-33b-base',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=2),
    ),
]
