# Qwen3 32B answering at once, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen3_32b_vllm',
        path='Qwen/Qwen3-32B',
        max_out_len=2048,
        tensor_parallel_size=2,
        chat_template_kwargs=dict(enable_thinking=False),
        run_cfg=dict(num_gpus=2),
    ),
]
