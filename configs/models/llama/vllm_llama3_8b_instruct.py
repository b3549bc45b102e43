# Llama 3 8b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='llama3_8b_instruct_vllm',
        path='meta-llama/Meta-Llama-3-8B-Instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
