# GLM-4-0414 9B tuned for dialogue.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='glm4_9b_0414_hf',
        path='THUDM/GLM-4-9B-0414',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
