# Llama 2 13b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='llama2_13b_chat_vllm',
        path='meta-llama/Llama-2-13b-chat-hf',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
