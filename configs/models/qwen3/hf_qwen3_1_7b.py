# Qwen3 1.7B answering at once; see hf_qwen3_1_7b_thinking for its reasoning mode.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='qwen3_1_7b_hf',
        path='Qwen/Qwen3-1.7B',
        max_out_len=2048,
        batch_size=8,
        chat_template_kwargs=dict(enable_thinking=False),
        run_cfg=dict(num_gpus=1),
    ),
]
