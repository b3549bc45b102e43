# Qwen3 4B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen3_4b_base_vllm',
        path='Qwen/Qwen3-4B-Base',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
