# Qwen3-Coder 480B-A35B stretched to 1M tokens by YaRN; scores on short prompts change as well.
models = [
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='qwen3_coder_480b_a35b_instruct_yarn_hf',
        path='Qwen/Qwen3-Coder-480B-A35B-Instruct',
        max_out_len=4096,
        batch_size=1,
        generation_kwargs=dict(temperature=0.7, top_p=0.8, top_k=20, repetition_penalty=1.05),
        max_seq_len=1048576,
        rope_scaling=dict(type='yarn', factor=4.0, original_max_position_embeddings=262144),
        run_cfg=dict(num_gpus=8),
    ),
]
