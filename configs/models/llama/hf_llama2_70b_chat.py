# Llama 2 70b tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='llama2_70b_chat_hf',
        path='meta-llama/Llama-2-70b-chat-hf',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=4),
    ),
]
