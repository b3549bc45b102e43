# Qwen2.5 32B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen2_5_32b_vllm',
        path='Qwen/Qwen2.5-32B',
        max_out_len=1024,
        tensor_parallel_size=2,
        run_cfg=dict(num_gpus=2),
    ),
]
