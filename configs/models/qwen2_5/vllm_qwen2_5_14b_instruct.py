# Qwen2.5 14B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen2_5_14b_instruct_vllm',
        path='Qwen/Qwen2.5-14B-Instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
