# Llama 3.2 3b, the base model, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='llama3_2_3b_vllm',
        path='meta-llama/Llama-3.2-3B',
        max_out_len=1024,
        run_cfg=dict(num_gpus=1),
    ),
]
