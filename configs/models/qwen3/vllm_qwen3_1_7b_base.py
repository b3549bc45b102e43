# Qwen3 1.7B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='qwen3_1_7b_base_vllm',
        path='Qwen/Qwen3-1.7B-Base',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
