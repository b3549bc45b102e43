# TigerBot 70b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='tigerbot_70b_base_vllm',
        path='TigerResearch/tigerbot-70b-base',
        max_out_len=1024,
        tensor_parallel_size=4,
        run_cfg=dict(num_gpus=4),
    ),
]
