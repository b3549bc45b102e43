# Qwen3 1.7B reasoning first, through vLLM.
models = [
    dict(
        type='VLLMwithChatTemplate',
        abbr='qwen3_1_7b_thinking_vllm',
        path='Qwen/Qwen3-1.7B',
        max_out_len=16384,
        generation_kwargs=dict(temperature=0.6, top_p=0.95, top_k=20),
        pred_postprocessor=dict(type='extract-non-reasoning-content'),
        run_cfg=dict(num_gpus=1),
    ),
]
