# Llama 3.2 1b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='llama3_2_1b_instruct_vllm',
        path='meta-llama/Llama-3.2-1B-Instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
