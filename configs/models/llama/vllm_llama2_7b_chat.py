# Llama 2 7b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='llama2_7b_chat_vllm',
        path='meta-llama/Llama-2-7b-chat-hf',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
