# Qwen3 14B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen3_14b_base_vllm',
        path='Qwen/Qwen3-14B-Base',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
