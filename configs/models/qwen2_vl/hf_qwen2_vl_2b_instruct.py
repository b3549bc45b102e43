# Qwen2-VL 2B tuned for dialogue; prompts go through its chat template.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='qwen2_vl_2b_instruct_hf',
        path='Qwen/Qwen2-VL-2B-Instruct',
        max_out_len=1024,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
]
