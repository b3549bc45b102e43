# Llama 3.1 70b tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='llama3_1_70b_instruct_hf',
        path='meta-llama/Llama-3.1-70B-Instruct',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=4),
    ),
]
