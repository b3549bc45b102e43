# TigerBot 13b tuned for dialogue, its window stretched 8 times by YaRN.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='tigerbot_13b_chat_yarn_hf',
        path='TigerResearch/tigerbot-13b-chat',
        max_out_len=1024,
        batch_size=4,
        # As trained: an instruction and a response, turns joined the same way.
        meta_template=dict(
            round=[
                dict(role='HUMAN', begin='\n\n### Instruction:\n'),
                dict(role='BOT', begin='\n\n### Response:\n', generate=True),
            ],
        ),
        stop_words=['\n\n### Instruction:'],
        generation_kwargs=dict(repetition_penalty=1.08),
        rope_scaling=dict(type='yarn', factor=8.0),
        run_cfg=dict(num_gpus=1),
    ),
]
