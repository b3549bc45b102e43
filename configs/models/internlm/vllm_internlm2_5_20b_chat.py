# InternLM 2.5 20b tuned for dialogue, through vLLM. Its code comes with the checkpoint, hence trust_remote_code.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='internlm2_5_20b_chat_vllm',
        path='internlm/internlm2_5-20b-chat',
        max_out_len=2048,
        tensor_parallel_size=2,
        trust_remote_code=True,
        run_cfg=dict(num_gpus=2),
    ),
]
