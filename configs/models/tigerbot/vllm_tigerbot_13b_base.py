# TigerBot 13b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='tigerbot_13b_base_vllm',
        path='TigerResearch/tigerbot-13b-base',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
