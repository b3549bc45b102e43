# Qwen2 72B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen2_72b_vllm',
        path='Qwen/Qwen2-72B',
        max_out_len=1024,
        tensor_parallel_size=4,
        run_cfg=dict(num_gpus=4),
    ),
]
