# Qwen3 4B answering at once; see hf_qwen3_4b_thinking for its reasoning mode.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='qwen3_4b_hf',
        path='Qwen/Qwen3-4B',
        max_out_len=2048,
        batch_size=8,
        chat_template_kwargs=dict(enable_thinking=False),
        run_cfg=dict(num_gpus=1),
    ),
]
