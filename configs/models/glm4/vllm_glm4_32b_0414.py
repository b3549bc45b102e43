# GLM-4-0414 32B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='glm4_32b_0414_vllm',
        path='THUDM/GLM-4-32B-0414',
        max_out_len=2048,
        tensor_parallel_size=2,
        run_cfg=dict(num_gpus=2),
    ),
]
