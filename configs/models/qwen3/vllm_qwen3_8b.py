# Qwen3 8B answering at once, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen3_8b_vllm',
        path='Qwen/Qwen3-8B',
        max_out_len=2048,
        chat_template_kwargs=dict(enable_thinking=False),
        run_cfg=dict(num_gpus=1),
    ),
]
