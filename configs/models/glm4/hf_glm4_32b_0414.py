# GLM-4-0414 32B tuned for dialogue.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='glm4_32b_0414_hf',
        path='THUDM/GLM-4-32B-0414',
        max_out_len=2048,
        batch_size=8,
        run_cfg=dict(num_gpus=2),
    ),
]
