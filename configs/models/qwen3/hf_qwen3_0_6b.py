# Qwen3 0.6B answering at once; see hf_qwen3_0_6b_thinking for its reasoning mode.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='qwen3_0_6b_hf',
        path='Qwen/Qwen3-0.6B',
        max_out_len=2048,
        batch_size=8,
        chat_template_kwargs=dict(enable_thinking=False),
        run_cfg=dict(num_gpus=1),
    ),
]
