# Qwen2.5-Coder 14B tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='qwen2_5_coder_14b_instruct_hf',
        path='Qwen/Qwen2.5-Coder-14B-Instruct',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
