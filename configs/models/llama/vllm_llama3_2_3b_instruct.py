# Llama 3.2 3b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='llama3_2_3b_instruct_vllm',
        path='meta-llama/Llama-3.2-3B-Instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
