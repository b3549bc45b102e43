# GLM-4 9B, the base model: continues text.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='glm4_9b_hf',
        path='THUDM/glm-4-9b-hf',
        max_out_len=1024,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
