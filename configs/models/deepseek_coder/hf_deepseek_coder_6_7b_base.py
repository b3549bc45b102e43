# DeepSeek-Coder 6.7b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='deepseek_coder_6_7b_base_hf',
        path='deepseek-ai/deepseek-coder-6.7b-base',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
