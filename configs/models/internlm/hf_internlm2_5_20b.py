# InternLM 2.5 20b, the base model. Its code comes with the checkpoint, hence trust_remote_code.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='internlm2_5_20b_hf',
        path='internlm/internlm2_5-20b',
        max_out_len=1024,
        batch_size=8,
        trust_remote_code=True,
        run_cfg=dict(num_gpus=2),
    ),
]
