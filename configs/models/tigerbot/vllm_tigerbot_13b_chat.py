# TigerBot 13b tuned for dialogue, through vLLM.
models = [
    dict(
        type='VLLM',
        abbr='tigerbot_13b_chat_vllm',
        path='TigerResearch/tigerbot-13b-chat',
        max_out_len=1024,
        # As trained: an instruction and a response, turns joined the same way.
        meta_template=dict(
            round=[
                dict(role='HUMAN', begin='\n\n### Instruction:\n'),
                dict(role='BOT', begin='\n\n### Response:\n', generate=True),
            ],
        ),
        stop_words=['\n\n### Instruction:'],
        generation_kwargs=dict(repetition_penalty=1.08),
        run_cfg=dict(num_gpus=1),
    ),
]
