# InternLM 3 8b tuned for dialogue, through vLLM. Its code comes with the checkpoint, hence trust_remote_code.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='internlm3_8b_instruct_vllm',
        path='internlm/internlm3-8b-instruct',
        max_out_len=2048,
        trust_remote_code=True,
        run_cfg=dict(num_gpus=1),
    ),
]
