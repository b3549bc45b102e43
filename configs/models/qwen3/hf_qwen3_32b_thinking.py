# Qwen3 32B reasoning first, with the sampling its makers advise.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='qwen3_32b_thinking_hf',
        path='Qwen/Qwen3-32B',
        max_out_len=16384,
        batch_size=8,
        generation_kwargs=dict(temperature=0.6, top_p=0.95, top_k=20),
        pred_postprocessor=dict(type='extract-non-reasoning-content'),
        run_cfg=dict(num_gpus=2),
    ),
]
