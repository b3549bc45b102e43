# Qwen2.5 14B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen2_5_14b_vllm',
        path='Qwen/Qwen2.5-14B',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
