"""Compares the tokenizer with AutoTokenizer of `transformers` (PyPI) on folders that hold tokenizer.json and the files
beside it: what tokenizer_config.json and special_tokens_map.json change in ids and text.

  compare_auto.py DRIVER
  compare_auto.py --write FILE

DRIVER is the program tokenizer_driver; --write makes fixtures/auto.json. Needs the package `transformers`; used by
hand.
"""

import itertools
import json
import os
import sys
import tempfile

import transformers
from transformers import AutoTokenizer

from compare_hf import ask

transformers.logging.set_verbosity_error()


def token(content, **flags):
    return dict(
        dict(content=content, lstrip=False, rstrip=False, single_word=False, normalized=False, special=False), **flags
    )


def named(content, **flags):
    """As older files write a named token."""
    made = token(content, __type="AddedToken", **flags)
    del made["special"]
    return made


PLAIN = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "normalizer": None,
    "pre_tokenizer": None,
    "post_processor": None,
    "added_tokens": [dict(token("<e>", special=True), id=4), dict(token("<w>", lstrip=True, normalized=True), id=5)],
    "decoder": {"type": "Fuse"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<s>": 3}, "merges": ["a b"]},
}
FRAMED = dict(
    PLAIN,
    post_processor={
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}},
    },
)
CONFIGURATIONS = [  # tokenizer_config.json, special_tokens_map.json
    ({}, None),
    ({"bos_token": "<s>"}, None),
    ({"bos_token": "<s>", "eos_token": "<e>"}, {"bos_token": "ab"}),
    (
        {
            "bos_token": "<s>",
            "added_tokens_decoder": {"3": token("<s>"), "4": token("<e>", special=True, rstrip=True)},
        },
        {"bos_token": "ab"},
    ),
    ({"added_tokens_decoder": {"6": token("<x>", special=True), "4": token("<e>", lstrip=True)}}, None),
    ({"added_tokens_decoder": {"6": token("<x>", rstrip=True)}, "eos_token": "<w>"}, None),
    ({"additional_special_tokens": ["ab", "<w>"]}, None),
    ({"extra_special_tokens": ["ab", "<w>"]}, None),
    ({"extra_special_tokens": {"image_token": "<w>"}}, None),
    ({"image_token": "<w>"}, None),
    ({"bos_token": named("<w>", normalized=True), "eos_token": "<w>"}, None),
    ({"bos_token": "<s>", "eos_token": "<e>", "add_bos_token": True, "add_eos_token": True}, None),
    ({"bos_token": "<s>", "eos_token": "<e>", "add_bos_token": False}, None),
    ({"bos_token": "<s>", "add_bos_token": None}, None),
    ({"bos_token": "<s>", "eos_token": "<e>", "add_eos_token": True}, None),
    ({"pad_token": "a"}, None),
    ({"bos_token": named("<s>", lstrip=True, normalized=True)}, None),
    ({"bos_token": named("<s>", lstrip=True, normalized=True)}, {"eos_token": named("<w>", rstrip=True)}),
]
TEXTS = ["ab", "a <w> b", "a <e> b", " <s> ab<s>b", "<x>a", "aab", "a<x> b"]


def rows_of(folder):
    reference, rows = AutoTokenizer.from_pretrained(folder), []
    for text, special in itertools.product(TEXTS, (False, True)):
        ids = reference(text, add_special_tokens=special)["input_ids"]
        listed = " ".join(map(str, ids))
        rows.append(["s" if special else "e", text, listed])
        rows += [[kind, listed, reference.decode(ids, skip_special_tokens=kind == "k")] for kind in "dk"]
    return rows


def main(argument, path=None):
    cases, bad = [], 0
    for (configuration, names), tokenizer in itertools.product(CONFIGURATIONS, (PLAIN, FRAMED)):
        files = {"tokenizer.json": tokenizer}
        files["tokenizer_config.json"] = dict(configuration, tokenizer_class="PreTrainedTokenizerFast")
        if names is not None:
            files["special_tokens_map.json"] = names
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    json.dump(content, file)
            rows = rows_of(folder)
            cases.append({"files": files, "rows": rows})
            if path is None:
                answers = ask(argument, folder, [(kind, given.encode()) for kind, given, _ in rows])
                wrong = [(row, answer) for row, answer in zip(rows, answers) if row[2].encode() != answer]
                bad += len(wrong)
                for row, answer in wrong[:3]:
                    print(json.dumps(configuration), names, row, "have", answer)
    if path is not None:
        with open(path, "w", encoding="ascii") as file:
            json.dump(cases, file, separators=(",", ":"))
            file.write("\n")
    print(len(cases), "folders,", sum(len(case["rows"]) for case in cases), "cases,", bad, "differ")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
