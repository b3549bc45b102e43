# Qwen2-VL 2B tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen2_vl_2b_instruct_vllm',
        path='Qwen/Qwen2-VL-2B-Instruct',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
