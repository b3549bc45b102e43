# Llama 2 70b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='llama2_70b_chat_vllm',
        path='meta-llama/Llama-2-70b-chat-hf',
        max_out_len=2048,
        tensor_parallel_size=4,
        run_cfg=dict(num_gpus=4),
    ),
]
