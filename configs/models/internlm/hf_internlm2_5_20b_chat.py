# InternLM 2.5 20b tuned for dialogue. Its code comes with the checkpoint, hence trust_remote_code.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='internlm2_5_20b_chat_hf',
        path='internlm/internlm2_5-20b-chat',
        max_out_len=2048,
        batch_size=8,
        trust_remote_code=True,
        run_cfg=dict(num_gpus=2),
    ),
]
