# Qwen2.5-Coder 3B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen2_5_coder_3b_vllm',
        path='Qwen/Qwen2.5-Coder-3B',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
