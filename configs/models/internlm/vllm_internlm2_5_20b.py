# InternLM 2.5 20b, the base model, through vLLM. Its code comes with the checkpoint, hence trust_remote_code.
models = [
    dict(
        type='VLLM',
        abbr='internlm2_5_20b_vllm',
        path='internlm/internlm2_5-20b',
        max_out_len=1024,
        tensor_parallel_size=2,
        trust_remote_code=True,
        run_cfg=dict(num_gpus=2),
    ),
]
