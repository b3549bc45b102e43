# Qwen3 8B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen3_8b_base_vllm',
        path='Qwen/Qwen3-8B-Base',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
