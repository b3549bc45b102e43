# Llama 3 8b tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='llama3_8b_instruct_hf',
        path='meta-llama/Meta-Llama-3-8B-Instruct',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
