# DeepSeek-Coder 33b tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='deepseek_coder_33b_instruct_hf',
        path='deepseek-ai/deepseek-coder-33b-instruct',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=2),
    ),
]
