# DeepSeek-Coder 33b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='deepseek_coder_33b_base_vllm',
        path='deepseek-ai/deepseek-coder-33b-base',
        max_out_len=1024,
        tensor_parallel_size=2,
        run_cfg=dict(num_gpus=2),
    ),
]
