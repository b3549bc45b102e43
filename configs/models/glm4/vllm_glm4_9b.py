# GLM-4 9B, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='glm4_9b_vllm',
        path='THUDM/glm-4-9b-hf',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
