# Llama 3.1 70b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='llama3_1_70b_vllm',
        path='meta-llama/Llama-3.1-70B',
        max_out_len=1024,
        tensor_parallel_size=4,
        run_cfg=dict(num_gpus=4),
    ),
]
