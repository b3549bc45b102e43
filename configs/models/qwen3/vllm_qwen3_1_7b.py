# Qwen3 1.7B answering at once, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen3_1_7b_vllm',
        path='Qwen/Qwen3-1.7B',
        max_out_len=2048,
        chat_template_kwargs=dict(enable_thinking=False),
        run_cfg=dict(num_gpus=1),
    ),
]
