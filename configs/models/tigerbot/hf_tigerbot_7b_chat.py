# TigerBot 7b tuned for dialogue, prompted as it was trained.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='tigerbot_7b_chat_hf',
        path='TigerResearch/tigerbot-7b-chat',
        max_out_len=1024,
        batch_size=8,
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
