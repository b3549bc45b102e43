# Llama 3.1 8b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='llama3_1_8b_instruct_vllm',
        path='meta-llama/Llama-3.1-8B-Instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
