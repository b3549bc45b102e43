# GLM-4 9B tuned for dialogue (the repository whose code is part of transformers).
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='glm4_9b_chat_hf',
        path='THUDM/glm-4-9b-chat-hf',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
