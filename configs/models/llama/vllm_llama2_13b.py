# Llama 2 13b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='llama2_13b_vllm',
        path='meta-llama/Llama-2-13b-hf',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
