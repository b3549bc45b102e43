# Qwen2.5 1.5B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen2_5_1_5b_instruct_vllm',
        path='Qwen/Qwen2.5-1.5B-Instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
