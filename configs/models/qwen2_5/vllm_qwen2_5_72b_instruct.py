# Qwen2.5 72B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen2_5_72b_instruct_vllm',
        path='Qwen/Qwen2.5-72B-Instruct',
        max_out_len=2048,
        tensor_parallel_size=4,
        run_cfg=dict(num_gpus=4),
    ),
]
