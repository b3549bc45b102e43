# Llama 3.1 8b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='llama3_1_8b_vllm',
        path='meta-llama/Llama-3.1-8B',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
