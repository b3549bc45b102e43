# Llama 3.1 70b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='llama3_1_70b_instruct_vllm',
        path='meta-llama/Llama-3.1-70B-Instruct',
        max_out_len=2048,
        tensor_parallel_size=4,
        run_cfg=dict(num_gpus=4),
    ),
]
