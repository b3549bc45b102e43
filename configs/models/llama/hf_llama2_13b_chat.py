# Llama 2 13b tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='llama2_13b_chat_hf',
        path='meta-llama/Llama-2-13b-chat-hf',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
