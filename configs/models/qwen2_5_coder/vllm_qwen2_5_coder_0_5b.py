# Qwen2.5-Coder 0.5B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen2_5_coder_0_5b_vllm',
        path='Qwen/Qwen2.5-Coder-0.5B',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
