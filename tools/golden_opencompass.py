"""Renders a matrix of templates, meta templates and examples by OpenCompass 0.5.4 itself, as golden files.

Run it with a Python that has opencompass==0.5.4 (torch and pyarrow<22 with it); evalsuite is not needed:

    python -m venv .venv-oc && .venv-oc/bin/pip install torch==2.13.0 opencompass==0.5.4 'pyarrow<22'
    .venv-oc/bin/python tools/golden_opencompass.py tests/prompt/golden

The values of the rows hold no braced column name, since OpenCompass would fill those again. Its release
0.5.4 loses the examples of dialogue templates (it collects them in a plain list that its own insertion does
not know); they are rendered with the list type of the earlier releases put back, and marked "repaired".
"""

from __future__ import annotations

import copy
import hashlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

TRAIN = [
    {"question": "What is 2 + 2?", "hint": "count", "answer": "4", "grade": 1},
    {"question": "Name a {color}.", "hint": "", "answer": "B", "grade": 2},
    {"question": "Zeile eins\nZeile zwei", "hint": "日本語", "answer": "A", "grade": 3},
    {"question": "  spaces  ", "hint": None, "answer": "B", "grade": 4},
]
TEST = [
    {"question": "Why?", "hint": "think {hard}", "answer": "A", "grade": 7},
    {"question": '{"json": [1, 2]}', "hint": "", "answer": "B", "grade": 0.5},
    {"question": "Ünï\tcode\r\n", "hint": "x", "answer": "A", "grade": [1, "two"]},
]
READER = {"input_columns": ["question", "hint"], "output_column": "answer"}


def turn(role: str, prompt: str | None = None, **more: object) -> dict[str, object]:
    return {"role": role, **({} if prompt is None else {"prompt": prompt}), **more}


DIALOGUES = {
    "plain": {"round": [turn("HUMAN", "Q: {question}"), turn("BOT", "A: {answer}")]},
    "empty_bot": {"round": [turn("HUMAN", "{question}"), turn("BOT", "")]},
    "human_only": {"round": [turn("HUMAN", "{question}\n{hint}")]},
    "no_prompt_key": {"round": [turn("HUMAN", "{question}"), turn("BOT")]},
    "system": {
        "begin": [turn("SYSTEM", "You know {hint}.", fallback_role="HUMAN"), "</E>"],
        "round": [turn("HUMAN", "{question}"), turn("BOT", "{answer}")],
    },
    "begin_dict": {
        "begin": turn("SYSTEM", "One.", fallback_role="HUMAN"),
        "round": [turn("HUMAN", "{question}"), turn("BOT", "{answer}")],
    },
    "begin_text": {
        "begin": ["Before {hint} </E> behind.", turn("HUMAN", "Ready?"), turn("BOT", "Yes.")],
        "round": [turn("HUMAN", "{question} {grade}"), turn("BOT", "{answer}")],
    },
    "begin_plain_text": {
        "begin": "The rules.",
        "round": [turn("HUMAN", "{question}"), turn("BOT", "{answer}")],
    },
    "rounds": {
        "begin": ["</E>"],
        "round": [
            turn("HUMAN", "First {hint}"),
            turn("BOT", "ok"),
            turn("HUMAN", "Second"),
            turn("BOT", "fine"),
            turn("HUMAN", "{question}"),
            turn("BOT", "{answer}"),
        ],
    },
    "human_twice": {
        "round": [turn("HUMAN", "one"), turn("HUMAN", "two {question}"), turn("BOT", "{answer}")]
    },
    "bot_first": {"round": [turn("BOT", "Hi."), turn("HUMAN", "{question}"), turn("BOT", "{answer}")]},
    "overrides": {
        "round": [
            turn("HUMAN", "{question}", begin="<<", end=">>\n"),
            turn("BOT", "{answer}", begin="[["),
        ]
    },
    "unknown_hole": {
        "round": [turn("HUMAN", "{nothing} {{question}} {answer} \\boxed{}"), turn("BOT", "{answer}")]
    },
    "ends_human": {"begin": ["</E>"], "round": [turn("BOT", "say"), turn("HUMAN", "{question}")]},
}
TEXTS = {
    "text": "Q: {question}\nA: {answer}",
    "text_ice": "Intro {hint}\n</E>Q: {question}\nA: {answer}",
    "text_ice_twice": "</E>|{question}|</E>",
    "text_odd": "{{question}} {nothing} { question } {grade}",
}
LABELS = {
    "labels_text": {"A": "</E>{question} It is A ({answer}).", "B": "</E>{question} It is B."},
    "labels_numbers": {0: "{question} no", 1: "{question} yes"},
    "labels_dialogue": {
        label: {
            "begin": ["</E>"],
            "round": [turn("HUMAN", "{question}"), turn("BOT", f"I say {label} {{hint}}")],
        }
        for label in ("A", "B", "4")
    },
}
METAS = {
    "none": None,
    "chatml": {
        "begin": "<bos>",
        "round": [
            turn("HUMAN", begin="<|im_start|>user\n", end="<|im_end|>\n"),
            turn("BOT", begin="<|im_start|>assistant\n", end="<|im_end|>\n", generate=True),
        ],
        "reserved_roles": [turn("SYSTEM", begin="<|im_start|>system\n", end="<|im_end|>\n")],
        "end": "<eos>",
    },
    "bare": {
        "round": [
            turn("HUMAN", begin="### Human: ", end="\n"),
            turn("BOT", begin="### Bot: ", end="\n", generate=True),
        ]
    },
    "texts_in_round": {
        "begin": "^",
        "round": [
            "[turn]",
            turn("HUMAN", begin="H:", end=";"),
            "[mid]",
            turn("THOUGHTS", begin="T:", end=";", prompt="None"),
            turn("BOT", begin="B:", end=";", generate=True),
            "[over]",
        ],
        "end": "$",
    },
    "no_generate": {
        "begin": "<s>",
        "round": [turn("HUMAN", begin="U ", end=" /U "), turn("BOT", begin="V ", end=" /V ")],
        "end": "</s>",
    },
    "system_in_round": {
        "round": [
            turn("SYSTEM", begin="<S>", end="</S>"),
            turn("HUMAN", begin="<H>", end="</H>"),
            turn("BOT", begin="<B>", end="</B>", generate=True),
        ]
    },
}
API_METAS = {
    "chat_default": None,
    "roles": {
        "round": [
            turn("HUMAN", api_role="HUMAN"),
            turn("BOT", api_role="BOT", generate=True),
        ],
        "reserved_roles": [turn("SYSTEM", api_role="SYSTEM")],
    },
    "dressed": {
        "begin": {"role": "SYSTEM", "prompt": "Be kind."},
        "round": [
            turn("HUMAN", api_role="HUMAN", begin="(", end=")"),
            turn("BOT", api_role="BOT", generate=True, end="!"),
        ],
    },
    "no_generate": {
        "round": [turn("HUMAN", api_role="HUMAN"), turn("BOT", api_role="BOT")],
    },
}
RAW = {
    "question": [{"role": "user", "content": "{question}"}],
    "system_and_shots": [
        {"role": "system", "content": "Know {hint}."},
        "</E>",
        {"role": "user", "content": "{question} {nothing}"},
    ],
    "history": [
        {"role": "system", "content": "S"},
        {"expand_column": "turns"},
        {"role": "user", "content": "{question}"},
    ],
}
RAW_ICE = [{"role": "user", "content": "{question}"}, {"role": "assistant", "content": "{answer}"}]
RAW_METAS = {
    "chat_default": None,
    "system_first": [{"role": "system", "content": "Always. "}],
    "user_lead": [{"role": "user", "content": "Please: "}],
    "both": [{"role": "system", "content": "Always. "}, {"role": "assistant", "content": "Done."}],
}
SHOTS = {
    "zero": {"type": "ZeroRetriever"},
    "one": {"type": "FixKRetriever", "fix_id_list": [0]},
    "three": {"type": "FixKRetriever", "fix_id_list": [2, 0, 1]},
    "marks": {
        "type": "FixKRetriever",
        "fix_id_list": [3, 1],
        "ice_separator": " ## ",
        "ice_eos_token": " >> ",
    },
    "random": {"type": "RandomRetriever", "ice_num": 2},
    "random_7": {"type": "RandomRetriever", "ice_num": 3, "seed": 7},
    "sliding": {"type": "SlidingWindowRetriever", "k": 2},
}


def main(folder: Path) -> None:
    oc = load_opencompass()
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "text_models.json": text_models(oc),
        "labels.json": labels(oc),
        "chat_models.json": chat_models(oc),
        "raw_messages.json": raw_messages(oc),
        "versions.json": versions(oc),
        "bm25.json": bm25(),
        "dialogues.json": dialogues(oc),
        "losses.json": losses(folder),
    }
    for name, cases in files.items():
        content = {"opencompass": "0.5.4", "train": TRAIN, "test": TEST, "reader_cfg": READER, "cases": cases}
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        crashed = sum("raises" in case for case in cases)
        print(f"{name}: {len(cases)} cases, {crashed} where OpenCompass raises")


def load_opencompass() -> SimpleNamespace:
    from opencompass.models.base import LMTemplateParser
    from opencompass.models.base_api import APITemplateParser
    from opencompass.models.huggingface_above_v4_33 import _convert_chat_messages, _get_meta_template
    from opencompass.openicl import icl_retriever
    from opencompass.openicl.icl_prompt_template import PromptTemplate
    from opencompass.openicl.icl_raw_prompt_template import RawPromptTemplate
    from opencompass.utils.prompt import PromptList, get_prompt_hash

    return SimpleNamespace(
        LMTemplateParser=LMTemplateParser,
        APITemplateParser=APITemplateParser,
        convert=_convert_chat_messages,
        chat_parser=_get_meta_template,
        retrievers=icl_retriever,
        PromptTemplate=PromptTemplate,
        RawPromptTemplate=RawPromptTemplate,
        PromptList=PromptList,
        prompt_hash=get_prompt_hash,
    )


def template_matrix(with_labels: bool) -> list[tuple[str, dict[str, object]]]:
    """Each template with each choice of examples, as infer_cfgs with a name."""
    out = []
    sources = LABELS if with_labels else {**TEXTS, **DIALOGUES, "first_label": LABELS["labels_text"]}
    for name, source in sources.items():
        takes = "</E>" in json.dumps(source, ensure_ascii=False)
        for shots, retriever in SHOTS.items():
            if shots != "zero" and not takes:
                continue
            if shots.startswith("random") and name not in ("text_ice", "rounds"):
                continue
            cfg: dict[str, object] = {"retriever": retriever}
            prompt = {"type": "PromptTemplate", "template": source}
            if takes:
                prompt["ice_token"] = "</E>"
            cfg["prompt_template"] = prompt
            if shots != "zero":
                cfg["ice_template"] = example_template(source, with_labels)
            out.append((f"{name}/{shots}", cfg))
            if shots == "one" and takes and not with_labels:
                alone = {"retriever": retriever, "ice_template": prompt}
                out.append((f"{name}/{shots}/ice_template_alone", alone))
    return out


def example_template(source: object, with_labels: bool) -> dict[str, object]:
    if isinstance(source, str) or (isinstance(source, dict) and isinstance(next(iter(source.values())), str)):
        return {"type": "PromptTemplate", "template": "Q: {question} ({hint})\nA: {answer}"}
    if with_labels:
        labels = {row["answer"] for row in TRAIN}
        return {
            "type": "PromptTemplate",
            "template": {
                label: {"round": [turn("HUMAN", "{question}"), turn("BOT", f"{label} it is")]}
                for label in sorted(labels)
            },
        }
    return {
        "type": "PromptTemplate",
        "template": {"round": [turn("HUMAN", "Example: {question}"), turn("BOT", "{answer}")]},
    }


def text_models(oc: SimpleNamespace) -> list[dict[str, object]]:
    cases = []
    for name, cfg in template_matrix(with_labels=False):
        for meta_name, meta in METAS.items():
            parser = oc.LMTemplateParser(copy.deepcopy(meta))
            cases.append(
                run(
                    oc,
                    f"{name}/{meta_name}",
                    cfg,
                    meta,
                    "text",
                    lambda p, parser=parser: parser.parse_template(p, "gen"),
                )
            )
    return cases


def chat_models(oc: SimpleNamespace) -> list[dict[str, object]]:
    cases = []
    for name, cfg in template_matrix(with_labels=False):
        for meta_name, meta in API_METAS.items():
            parser = oc.chat_parser(copy.deepcopy(meta))

            def finish(prompt, parser=parser):
                return oc.convert([parser.parse_template(prompt, "gen")])[0]

            cases.append(run(oc, f"{name}/{meta_name}", cfg, meta, "messages", finish))
    return cases


def raw_messages(oc: SimpleNamespace) -> list[dict[str, object]]:
    cases = []
    test = [
        {**row, "turns": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
        for row in TEST
    ]
    for name, messages in RAW.items():
        for shots in ("zero", "one", "three"):
            if shots != "zero" and "</E>" not in messages:
                continue
            cfg = {
                "retriever": SHOTS[shots],
                "prompt_template": {"type": "RawPromptTemplate", "messages": messages},
            }
            if shots != "zero":
                cfg["ice_template"] = {"type": "RawPromptTemplate", "messages": RAW_ICE}
            for meta_name, meta in RAW_METAS.items():
                parser = oc.APITemplateParser(copy.deepcopy(meta))
                case = run(
                    oc,
                    f"{name}/{shots}/{meta_name}",
                    cfg,
                    meta,
                    "messages",
                    lambda p, parser=parser: parser.parse_template(p, "gen"),
                    test,
                )
                case["test"] = test
                cases.append(case)
    return cases


def labels(oc: SimpleNamespace) -> list[dict[str, object]]:
    cases = []
    for name, cfg in template_matrix(with_labels=True):
        for meta_name, meta in METAS.items():
            parser = oc.LMTemplateParser(copy.deepcopy(meta))
            case = {"name": f"{name}/{meta_name}", "infer_cfg": cfg, "meta_template": meta, "kind": "text"}
            try:
                case["prompts"], repaired = render_labels(
                    oc, cfg, lambda p, parser=parser: parser.parse_template(p, "ppl")
                )
                if repaired:
                    case["repaired"] = True
            except Exception as error:  # what OpenCompass cannot render is a fact to record
                case["raises"] = type(error).__name__
            case["infer_cfg"] = listed_labels(cfg)
            cases.append(case)
    return cases


def listed_labels(cfg: dict[str, object]) -> dict[str, object]:
    """Label dicts as pairs, since JSON has no number keys."""
    cfg = copy.deepcopy(cfg)
    for key in ("prompt_template", "ice_template"):
        template = cfg.get(key, {}).get("template")
        if isinstance(template, dict) and "round" not in template:
            cfg[key]["template"] = {"labels": [[label, value] for label, value in template.items()]}
    return cfg


def run(oc, name, cfg, meta, kind, finish, test=None) -> dict[str, object]:
    case = {"name": name, "infer_cfg": listed_labels(cfg), "meta_template": meta, "kind": kind}
    try:
        case["prompts"], repaired = render(oc, cfg, finish, test or TEST)
        if repaired:
            case["repaired"] = True
    except Exception as error:  # what OpenCompass cannot render is a fact to record
        case["raises"] = type(error).__name__
    return case


def parts(oc, cfg, test):
    dataset = SimpleNamespace(
        reader=SimpleNamespace(**READER), train=copy.deepcopy(TRAIN), test=copy.deepcopy(test)
    )
    retriever = dict(cfg["retriever"])
    made = getattr(oc.retrievers, retriever.pop("type"))(dataset, **retriever)
    templates = {}
    for key in ("ice_template", "prompt_template"):
        spec = copy.deepcopy(cfg.get(key))
        templates[key] = None if spec is None else getattr(oc, spec.pop("type"))(**spec)
    return made, templates


def examples(oc, retriever, ids, template):
    """The block of examples, and whether its lost list type had to be put back."""
    ice = retriever.generate_ice(ids, ice_template=template)
    if (
        isinstance(ice, list)
        and not isinstance(ice, oc.PromptList)
        and template.prompt_type != "raw_messages"
    ):
        return oc.PromptList(ice), True
    return ice, False


def render(oc, cfg, finish, test):
    retriever, templates = parts(oc, cfg, test)
    prompts, repaired = [], False
    for at, ids in enumerate(retriever.retrieve()):
        ice, fixed = examples(oc, retriever, ids, templates["ice_template"])
        prompt = retriever.generate_prompt_for_generate_task(at, ice, **templates)
        prompts.append(finish(prompt))
        repaired = repaired or fixed
    return prompts, repaired


def render_labels(oc, cfg, finish):
    retriever, templates = parts(oc, cfg, TEST)
    prompts, repaired = [], False
    chosen = retriever.get_labels(**templates)
    for at, ids in enumerate(retriever.retrieve()):
        ice, fixed = examples(oc, retriever, ids, templates["ice_template"])
        row = [
            [label, finish(retriever.generate_label_prompt(at, ice, label, **templates))] for label in chosen
        ]
        prompts.append(row)
        repaired = repaired or fixed
    return prompts, repaired


HOMES = {
    "prompt_template": "opencompass.openicl.icl_prompt_template",
    "ice_template": "opencompass.openicl.icl_prompt_template",
    "retriever": "opencompass.openicl.icl_retriever",
}


def versions(oc: SimpleNamespace) -> list[dict[str, object]]:
    from mmengine.config import ConfigDict

    cases = []
    matrix = [*template_matrix(with_labels=False), *template_matrix(with_labels=True)]
    inferencers = (
        {"type": "opencompass.openicl.icl_inferencer.GenInferencer", "max_out_len": 64},
        {"type": "opencompass.openicl.icl_inferencer.PPLInferencer"},
    )
    for number, (name, cfg) in enumerate(matrix[::5]):
        cfg = {**copy.deepcopy(cfg), "inferencer": inferencers[number % 2]}
        if "numbers" in name:
            continue
        for key in ("prompt_template", "ice_template", "retriever"):
            if key in cfg:
                cfg[key] = {**cfg[key], "type": f"{HOMES[key]}.{cfg[key]['type']}"}
        dataset = ConfigDict({"infer_cfg": copy.deepcopy(cfg), "reader_cfg": READER})
        cases.append({"name": name, "infer_cfg": cfg, "version": oc.prompt_hash(dataset)[:6]})
    assert len({hashlib.sha256(json.dumps(case).encode()).hexdigest() for case in cases}) == len(cases)
    return cases


def dialogues(oc: SimpleNamespace) -> list[dict[str, object]]:
    """Messages before a turn as the chat inferencer gives them to text models and to chat models."""
    from opencompass.openicl.icl_inferencer import icl_chat_inferencer as chat

    talks = {
        "one": ["user"],
        "system": ["system", "user"],
        "several": ["system", "user", "assistant", "user"],
        "twice": ["user", "user", "assistant", "assistant", "user"],
    }
    cases = []
    for name, roles in talks.items():
        talk = [
            {"role": role, "content": "" if at == 3 and name == "twice" else f"{role} {at}"}
            for at, role in enumerate(roles)
        ]
        for kind, metas in (("text", METAS), ("messages", API_METAS)):
            for meta_name, meta in metas.items():
                parser = chat.LMTemplateParser if kind == "text" else chat.APITemplateParser
                case = {
                    "name": f"{name}/{kind}/{meta_name}",
                    "kind": kind,
                    "meta_template": meta,
                    "talk": talk,
                }
                try:
                    parsed = parser(copy.deepcopy(meta)).parse_template(copy.deepcopy(talk))
                    case["prompt"] = parsed if kind == "text" else oc.convert([parsed])[0]
                except Exception as error:  # what OpenCompass cannot render is a fact to record
                    case["raises"] = type(error).__name__
                cases.append(case)
    return cases


def losses(folder: Path) -> list[dict[str, object]]:
    """What OpenCompass calls PPL, of whole texts and of words behind a context, under two tiny models."""
    from opencompass.models import HuggingFaceBaseModel
    from transformers import PreTrainedTokenizerBase

    # The release calls a method that transformers 5 has under the name of the call itself.
    PreTrainedTokenizerBase.batch_encode_plus = PreTrainedTokenizerBase.__call__
    cases = []
    for name in ("plain", "bos"):
        path = folder / f"model_{name}"
        if not path.exists():
            make_model(path, begins=name == "bos")
        model = HuggingFaceBaseModel(
            str(path), max_seq_len=512, model_kwargs={"torch_dtype": "float32", "device_map": "cpu"}
        )
        assert (model.tokenizer("a")["input_ids"][0] == 0) == (name == "bos")
        for context in ("Question: what is 3 + 4?", "x = 1", "The"):
            for words in (" Answer: 7", " 8", " no, it is not\n"):
                length = model.get_token_len(context)
                whole = float(model.get_ppl([context + words])[0])
                behind = float(model.get_ppl([context + words], [length])[0])
                case = {"model": path.name, "context": context, "words": words}
                cases.append({**case, "whole": whole, "behind": behind})
    return cases


def make_model(path: Path, begins: bool) -> None:
    """A tiny model with random weights over bytes; its texts may begin with a token of their own."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<s>", "</s>", *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if begins:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.7,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    LlamaForCausalLM(config).float().save_pretrained(path)
    fast.save_pretrained(path)


def bm25() -> list[dict[str, object]]:
    """Scores of the BM25 that OpenCompass uses, over texts that are cut into words already."""
    from rank_bm25 import BM25Okapi

    texts = [
        text.split() for text in ("a b c a", "the cat sat on the mat", "a cat", "the the the dog", "b", "")
    ]
    queries = ["a", "the cat", "a a b zebra", "dog dog", ""]
    index = BM25Okapi(texts)
    return [
        {
            "texts": texts,
            "query": query.split(),
            "scores": [float(one) for one in index.get_scores(query.split())],
        }
        for query in queries
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
