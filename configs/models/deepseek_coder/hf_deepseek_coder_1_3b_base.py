# DeepSeek-Coder 1.3b, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='deepseek_coder_1_3b_base_hf',
        path='deepseek-ai/deepseek-coder-1.3b-base',
        max_out_len=1024,
        batch_size=16,
        run_cfg=dict(num_gpus=1),
    ),
]
