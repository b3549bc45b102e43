# DeepSeek-Coder 1.3b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='deepseek_coder_1_3b_base_vllm',
        path='deepseek-ai/deepseek-coder-1.3b-base',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
