# DeepSeek-Coder 6.7b tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='deepseek_coder_6_7b_instruct_hf',
        path='deepseek-ai/deepseek-coder-6.7b-instruct',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
