# Qwen3 14B answering at once, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen3_14b_vllm',
        path='Qwen/Qwen3-14B',
        max_out_len=2048,
        chat_template_kwargs=dict(enable_thinking=False),
        run_cfg=dict(num_gpus=1),
    ),
]
