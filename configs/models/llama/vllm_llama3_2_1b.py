# Llama 3.2 1b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='llama3_2_1b_vllm',
        path='meta-llama/Llama-3.2-1B',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
