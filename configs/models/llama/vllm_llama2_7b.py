# Llama 2 7b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='llama2_7b_vllm',
        path='meta-llama/Llama-2-7b-hf',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
