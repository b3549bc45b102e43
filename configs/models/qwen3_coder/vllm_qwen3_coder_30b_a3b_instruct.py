# Qwen3-Coder 30B-A3B through vLLM, 256K tokens.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen3_coder_30b_a3b_instruct_vllm',
        path='Qwen/Qwen3-Coder-30B-A3B-Instruct',
        max_out_len=4096,
        tensor_parallel_size=2,
        generation_kwargs=dict(temperature=0.7, top_p=0.8, top_k=20, repetition_penalty=1.05),
        run_cfg=dict(num_gpus=2),
    ),
]
