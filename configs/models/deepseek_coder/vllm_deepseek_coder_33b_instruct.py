# DeepSeek-Coder 33b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='deepseek_coder_33b_instruct_vllm',
        path='deepseek-ai/deepseek-coder-33b-instruct',
        max_out_len=2048,
        tensor_parallel_size=2,
        run_cfg=dict(num_gpus=2),
    ),
]
