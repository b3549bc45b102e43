# TigerBot 7b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='tigerbot_7b_base_vllm',
        path='TigerResearch/tigerbot-7b-base',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
