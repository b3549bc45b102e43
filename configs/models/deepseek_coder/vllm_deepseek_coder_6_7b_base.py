# DeepSeek-Coder 6.7b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='deepseek_coder_6_7b_base_vllm',
        path='deepseek-ai/deepseek-coder-6.7b-base',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
