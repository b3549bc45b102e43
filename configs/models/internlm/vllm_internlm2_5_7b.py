# InternLM 2.5 7b, the base model, through vLLM. Its code comes with the checkpoint, hence trust_remote_code.
models = [
    dict(
        type='VLLM',
        abbr='internlm2_5_7b_vllm',
        path='internlm/internlm2_5-7b',
        max_out_len=1024,
        trust_remote_code=True,
        run_cfg=dict(num_gpus=1),
    ),
]
