# Llama 2 70b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='llama2_70b_vllm',
        path='meta-llama/Llama-2-70b-hf',
        max_out_len=1024,
        tensor_parallel_size=4,
        run_cfg=dict(num_gpus=4),
    ),
]
