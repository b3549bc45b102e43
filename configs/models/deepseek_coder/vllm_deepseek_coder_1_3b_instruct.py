# DeepSeek-Coder 1.3b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='deepseek_coder_1_3b_instruct_vllm',
        path='deepseek-ai/deepseek-coder-1.3b-instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
