# Llama 3.2 1b tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='llama3_2_1b_instruct_hf',
        path='meta-llama/Llama-3.2-1B-Instruct',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
