# Qwen2.5 32B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen2_5_32b_instruct_vllm',
        path='Qwen/Qwen2.5-32B-Instruct',
        max_out_len=2048,
        tensor_parallel_size=2,
        run_cfg=dict(num_gpus=2),
    ),
]
