# Fill-in-the-middle for chat models that know the tokens (Qwen3-Coder): the base models' prompt is what the user
# says, behind the system line that these models were trained with.
from mmengine.config import read_base

with read_base():
    from .fim_base import humaneval_infilling_datasets as infilling_base
    from .fim_base import safim_datasets as safim_base
    from .fim_base import santacoder_fim_datasets as santacoder_base

ends = [
    '<|endoftext|>', '<|im_end|>', '<|fim_pad|>', '<|file_sep|>', '<|repo_name|>',
    '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>',
]


def chat(dataset):
    infer = dict(
        prompt_template=dict(
            type='RawPromptTemplate',
            messages=[
                dict(role='system', content='You are a code completion assistant.'),
                dict(role='user', content='{fim_prompt}'),
            ],
        ),
        retriever=dict(type='ZeroRetriever'),
        inferencer=dict(
            type='GenInferencer',
            max_out_len=dataset['infer_cfg']['inferencer']['max_out_len'],
            stopping_criteria=ends,
        ),
    )
    return {**dataset, 'infer_cfg': infer}


humaneval_infilling_chat_datasets = [chat(each) for each in infilling_base]
safim_chat_datasets = [chat(each) for each in safim_base]
santacoder_fim_chat_datasets = [chat(each) for each in santacoder_base]
