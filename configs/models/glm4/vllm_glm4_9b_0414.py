# GLM-4-0414 9B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='glm4_9b_0414_vllm',
        path='THUDM/GLM-4-9B-0414',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
