# DeepSeek-Coder 6.7b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='deepseek_coder_6_7b_instruct_vllm',
        path='deepseek-ai/deepseek-coder-6.7b-instruct',
        max_out_len=2048,
        run_cfg=dict(num_gpus=1),
    ),
]
