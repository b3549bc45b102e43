# Qwen2 0.5B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen2_0_5b_instruct_vllm',
        path='Qwen/Qwen2-0.5B-Instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
