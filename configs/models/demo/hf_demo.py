# The shipped demo models (0.4 and 0.9 million parameters), each as a base and as a chat model. They run on a CPU.
# Their base texts were trained behind <|endoftext|>, which therefore stands before every prompt.
models = [
    dict(
        type='HuggingFaceBaseModel',
        abbr='hf_demo_s_base',
        path='data/demo/models/s',
        max_out_len=110,
        batch_size=32,
        prompt_prefix='<|endoftext|>',
        run_cfg=dict(num_gpus=0),
    ),
    dict(
        type='HuggingFaceBaseModel',
        abbr='hf_demo_m_base',
        path='data/demo/models/m',
        max_out_len=110,
        batch_size=32,
        prompt_prefix='<|endoftext|>',
        run_cfg=dict(num_gpus=0),
    ),
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='hf_demo_s_chat',
        path='data/demo/models/s',
        max_out_len=110,
        batch_size=32,
        run_cfg=dict(num_gpus=0),
    ),
    dict(
        type='HuggingFacewithChatTemplate',
        abbr='hf_demo_m_chat',
        path='data/demo/models/m',
        max_out_len=110,
        batch_size=32,
        run_cfg=dict(num_gpus=0),
    ),
]
