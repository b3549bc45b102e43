# Llama 3.2 3b tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='llama3_2_3b_instruct_hf',
        path='meta-llama/Llama-3.2-3B-Instruct',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
