# GLM-4 9B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='glm4_9b_chat_vllm',
        path='THUDM/glm-4-9b-chat-hf',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
