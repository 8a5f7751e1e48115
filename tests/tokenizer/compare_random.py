"""Compares the tokenizer with Hugging Face's `tokenizers` (PyPI) on random tokenizer.json files: any model behind any
normalizers, pre-tokenizers, post-processors, decoders and added tokens, in the newest and in older forms of the file.

  compare_random.py DRIVER [--seeds FROM-TO] [--show N] [--texts N] [--charsmap TOKENIZER_JSON]
  compare_random.py --write FILE

DRIVER is the program tokenizer_driver. A seed makes one file and its texts; what differs is reported with its seed. A
file or a text that the library panics on is no case. --write makes fixtures/random.json, small files with what the
library makes of their texts. Needs the package `tokenizers`; used by hand.
"""

import argparse
import collections
import json
import os
import pickle
import random
import signal
import sys
import tempfile

from tokenizers import Tokenizer, trainers

from compare_hf import SENTENCES, ask, make_texts

MARK = "\u2581"
BYTE_TOKENS = ["<0x%02X>" % byte for byte in range(256)]
GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
EXPRESSIONS = [
    GPT4,
    r"\s+",
    r"\w+",
    r"[aeiou]+",
    r"\p{Lu}",
    r"\d{1,2}",
    r"(?<=[a-z])(?=[A-Z])",
    r"x*",
    r"",
    r"[^\s]+",
]
EXPRESSIONS += [
    r"\p{P}",
    r"'s|'t| ?\p{L}+| ?\p{N}+",
    r"\b",
    r"(?i)the|a",
    r"\S\s",
    r"^.",
    r"$",
    r".",
    r"[\p{Han}\p{Hiragana}]+",
]
LITERALS = [" ", "a", "th", MARK, "\n", "", "the", "\u00e9", ".", "  ", "\U0001f600", "a|b", "#"]
BEHAVIOURS = ["Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"]
ADDED = [
    "<s>",
    "</s>",
    "<mask>",
    "<|end|>",
    "the",
    "them",
    "th",
    "The",
    " the",
    "a b",
    "  ",
    " ",
    "\n",
    "\u00e9",
    "e\u0301",
]
ADDED += [
    "\u4f60\u597d",
    "\u4f60",
    "<0x41>",
    MARK + "the",
    "ABC",
    "abc",
    "x",
    "[UNK]",
    "<unk>",
    "1",
    "12",
    "\U0001f600",
    "\u0120the",
]


def normalizer(source):
    kind = source.choice(
        "bert nfc nfd nfkc nfkd lower strip accents replace prepend nmt precompiled bytes replace prepend".split()
    )
    flag = lambda: source.random() < 0.5
    if kind == "bert":
        return {
            "type": "BertNormalizer",
            "clean_text": flag(),
            "handle_chinese_chars": flag(),
            "strip_accents": source.choice([None, True, False]),
            "lowercase": flag(),
        }
    if kind == "strip":
        return {"type": "Strip", "strip_left": flag(), "strip_right": flag()}
    if kind == "replace":
        return {
            "type": "Replace",
            "pattern": pattern(source),
            "content": source.choice([MARK, "", " ", "ab", "\u00e9"]),
        }
    if kind == "prepend":
        return {"type": "Prepend", "prepend": source.choice([MARK, " ", "ab", ""])}
    if kind == "precompiled":
        return {"type": "Precompiled", "precompiled_charsmap": charsmap(source)}
    plain = dict(nfc="NFC", nfd="NFD", nfkc="NFKC", nfkd="NFKD", lower="Lowercase", accents="StripAccents")
    return {"type": plain.get(kind) or dict(nmt="Nmt", bytes="ByteLevel")[kind]}


def charsmap(source):
    """The map of a tokenizer of the shared test data, or none at all."""
    return source.choice(CHARSMAPS)


CHARSMAPS = [""]
VOCABULARY = [60, 300]


def pattern(source):
    if source.random() < 0.5:
        return {"String": source.choice(LITERALS)}
    return {"Regex": source.choice(EXPRESSIONS)}


def metaspace(source, scheme=None):
    made = {"type": "Metaspace", "replacement": source.choice([MARK, MARK, MARK, "_", "\u00e9"])}
    scheme = scheme or source.choice(["first", "always", "never", "old"])
    if scheme == "old":
        made.update(add_prefix_space=True, str_rep=made["replacement"])
    else:
        made["prepend_scheme"] = scheme
    if source.random() < 0.7:
        made["split"] = source.random() < 0.6
    return made


def splitter(source):
    kind = source.choice(
        "bert bytes bytes delimiter digits meta meta meta punctuation".split()
        + "split split split scripts space spaces fixed".split()
    )
    flag = lambda: source.random() < 0.5
    if kind == "bytes":
        return {"type": "ByteLevel", "add_prefix_space": flag(), "trim_offsets": flag(), "use_regex": flag()}
    if kind == "delimiter":
        return {"type": "CharDelimiterSplit", "delimiter": source.choice(list(" a,\u00e9\u4f60"))}
    if kind == "digits":
        return {"type": "Digits", "individual_digits": flag()}
    if kind == "meta":
        return metaspace(source)
    if kind == "punctuation":
        return {"type": "Punctuation", "behavior": source.choice(BEHAVIOURS)}
    if kind == "split":
        return {"type": "Split", "pattern": pattern(source), "behavior": source.choice(BEHAVIOURS), "invert": flag()}
    if kind == "fixed":
        return source.choice([{"length": source.randint(1, 6)}, {"type": "FixedLength", "length": 3}])
    names = dict(bert="BertPreTokenizer", scripts="UnicodeScripts", space="Whitespace", spaces="WhitespaceSplit")
    return {"type": names[kind]}


def decoder(source):
    kind = source.choice("bpe fallback bytes ctc fuse meta replace strip wordpiece".split())
    if kind == "bpe":
        return {"type": "BPEDecoder", "suffix": source.choice(["</w>", "e", MARK, ""])}
    if kind == "ctc":
        return {
            "type": "CTC",
            "pad_token": source.choice(["<pad>", "e", "<s>"]),
            "word_delimiter_token": source.choice(["|", MARK, "a"]),
            "cleanup": source.random() < 0.5,
        }
    if kind == "bytes":
        return {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    if kind == "meta":
        return metaspace(source)
    if kind == "replace":
        return {"type": "Replace", "pattern": pattern(source), "content": source.choice([" ", "", "ab"])}
    if kind == "strip":
        return {
            "type": "Strip",
            "content": source.choice([" ", " ", MARK, "a"]),
            "start": source.randint(0, 2),
            "stop": source.randint(0, 2),
        }
    if kind == "wordpiece":
        return {"type": "WordPiece", "prefix": source.choice(["##", "", "e"]), "cleanup": source.random() < 0.6}
    return {"type": dict(fallback="ByteFallback", fuse="Fuse")[kind]}


COMMON_DECODERS = [
    [{"type": "Replace", "pattern": {"String": MARK}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}],
    [
        {"type": "Replace", "pattern": {"String": MARK}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ],
    [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": MARK, "prepend_scheme": "always"}],
]


def several(source, make, field, odds=(0.25, 0.45)):
    roll = source.random()
    if roll < odds[0]:
        return None
    if roll < odds[1]:
        return make(source)
    members = [make(source) for _ in range(source.randint(0, 3))]
    if members and source.random() < 0.1:
        members[0] = {"type": "Sequence", field: [members[0]]}
    return {"type": "Sequence", field: members}


def decoders_of(source):
    if source.random() < 0.25:
        return {"type": "Sequence", "decoders": source.choice(COMMON_DECODERS)}
    return several(source, decoder, "decoders")


def processor(source, special):
    pair = lambda: list(source.choice(special)) if special else ["x", 0]
    kind = source.choice("template template roberta bert bytes".split())
    if kind == "bytes":
        return {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
    if kind == "bert":
        return {"type": "BertProcessing", "sep": pair(), "cls": pair()}
    if kind == "roberta":
        return {
            "type": "RobertaProcessing",
            "sep": pair(),
            "cls": pair(),
            "trim_offsets": True,
            "add_prefix_space": False,
        }
    names = [pair() for _ in range(source.randint(0, 3))]
    single = [{"SpecialToken": {"id": name, "type_id": 0}} for name, _ in names]
    for _ in range(source.choice([1, 1, 1, 1, 2])):
        single.insert(source.randint(0, len(single)), {"Sequence": {"id": "A", "type_id": 0}})
    ids = {name: {"id": name, "ids": [id] * source.choice([1, 1, 2]), "tokens": [name]} for name, id in names}
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": ids,
    }


EMPTY = {
    "BPE": {"type": "BPE", "vocab": {}, "merges": []},
    "Unigram": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]},
    "WordPiece": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {},
    },
    "WordLevel": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {}},
}


def trained(source, kind, state):
    """A small model that fits the texts as the normalizer and the pre-tokenizer of `state` leave them."""
    made = Tokenizer.from_str(
        json.dumps(dict(state, model=EMPTY[kind], added_tokens=[], decoder=None, post_processor=None))
    )
    sample = source.sample(SENTENCES, source.randint(2, 6))
    options = dict(show_progress=False, vocab_size=source.randint(*VOCABULARY))
    tokens = ["<unk>"] + source.sample(ADDED, source.randint(0, 4))
    if kind == "BPE":
        if source.random() < 0.3:
            options["continuing_subword_prefix"] = source.choice(["##", "@", "e"])
        if source.random() < 0.3:
            options["end_of_word_suffix"] = "</w>"
        if source.random() < 0.5:
            options["limit_alphabet"] = source.randint(10, 60)
        trainer = trainers.BpeTrainer(special_tokens=tokens, **options)
    elif kind == "Unigram":
        trainer = trainers.UnigramTrainer(special_tokens=tokens, unk_token="<unk>", **options)
    elif kind == "WordPiece":
        prefix = source.choice(["##", "##", "", "x"])
        trainer = trainers.WordPieceTrainer(
            special_tokens=["[UNK]"] + tokens, continuing_subword_prefix=prefix, **options
        )
    else:
        trainer = trainers.WordLevelTrainer(special_tokens=tokens, **options)
    made.train_from_iterator(sample, trainer)
    return json.loads(made.to_str())["model"]


def with_bytes(source, model):
    model["byte_fallback"] = source.random() < 0.7
    if source.random() < 0.6:
        small = VOCABULARY[1] < 256
        spellings = BYTE_TOKENS if not small and source.random() < 0.7 else source.sample(BYTE_TOKENS, 100)
        spellings = BYTE_TOKENS[0x80:0xC8] + BYTE_TOKENS[0xE1:0xE8] + BYTE_TOKENS[0xF0:0xF1] if small else spellings
        if isinstance(model["vocab"], list):
            model["vocab"] += [[spelling, -9.0] for spelling in spellings]
        else:
            for spelling in spellings:
                model["vocab"].setdefault(spelling, max(model["vocab"].values(), default=-1) + 1)


def random_model(source, state):
    kind = source.choice(["BPE", "BPE", "BPE", "Unigram", "Unigram", "WordPiece", "WordLevel"])
    model = trained(source, kind, state)
    if kind == "BPE":
        model["unk_token"] = source.choice([None, "<unk>", "<unk>", "<unk>", "missing"])
        model["fuse_unk"] = source.random() < 0.5
        model["ignore_merges"] = source.random() < 0.3
        model["dropout"] = source.choice([None, 0.0])
        with_bytes(source, model)
        if source.random() < 0.3 and not any(" " in part for pair in model["merges"] for part in pair):
            model["merges"] = [" ".join(pair) for pair in model["merges"]]
        if source.random() < 0.2:
            source.shuffle(model["merges"])
    elif kind == "Unigram":
        with_bytes(source, model)
        model["unk_id"] = source.choice([0, 0, 0, 0, 1, None])
        if source.random() < 0.15:
            model["vocab"] += [[source.choice(model["vocab"])[0], -1.5] for _ in range(3)]
        if source.random() < 0.2:
            model["vocab"] = [[spelling, score + 30] for spelling, score in model["vocab"]]
    elif kind == "WordPiece":
        model["max_input_chars_per_word"] = source.choice([100, 8, 3])
    if source.random() < 0.15:
        del model["type"]
    return model


def added_tokens(source, state):
    made, vocabulary = [], state["model"]["vocab"]
    known = [entry[0] for entry in vocabulary] if isinstance(vocabulary, list) else list(vocabulary)
    next_id = len(known)
    contents = source.sample(ADDED + known[:40], source.choice([0, 2, 5, 9]))
    for content in contents:
        if content in known:
            id = known.index(content) if isinstance(vocabulary, list) else vocabulary[content]
        else:
            id, next_id = next_id, next_id + 1
        flags = {name: source.random() < 0.25 for name in ("single_word", "lstrip", "rstrip", "special")}
        made.append(dict(flags, id=id, content=content, normalized=source.random() < 0.5))
    return made


def random_state(source):
    state = {
        "version": "1.0",
        "truncation": source.choice(
            [None, {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}]
        ),
        "padding": None,
        "normalizer": several(source, normalizer, "normalizers", (0.35, 0.6)),
        "pre_tokenizer": several(source, splitter, "pretokenizers", (0.15, 0.55)),
    }
    state["model"] = random_model(source, state)
    state["added_tokens"] = added_tokens(source, state)
    special = [(token["content"], token["id"]) for token in state["added_tokens"]]
    state["post_processor"] = None
    if source.random() < 0.6:
        state["post_processor"] = processor(source, special)
    elif source.random() < 0.3:
        members = [processor(source, special) for _ in range(2)]
        if [member["type"] for member in members] != ["TemplateProcessing"] * 2:  # most of those panic
            state["post_processor"] = {"type": "Sequence", "processors": members}
    state["decoder"] = decoders_of(source)
    return state


def random_texts(source, state, count):
    pieces = (
        ADDED + [token["content"] for token in state["added_tokens"]] * 3 + ["a", " ", "  ", "word", "!", "\t", "B"]
    )
    texts = make_texts(20 * count, source.random())[: count // 2]
    while len(texts) < count:
        texts.append("".join(source.choice(pieces) for _ in range(source.randint(1, 12))))
    return texts


FAILED = object()


def attempt(call, *arguments, **options):
    """None where the library panics (which is no case), FAILED where it refuses."""
    try:
        return call(*arguments, **options)
    except KeyboardInterrupt:
        raise
    except Exception:
        return FAILED
    except BaseException:  # its panics are no Exceptions
        return None


def rows_of(source, state, text_count):
    """(kind, request, wanted answer) for the driver; None where the library refuses the file."""
    reference = attempt(Tokenizer.from_str, json.dumps(state))
    if reference is None or reference is FAILED:
        return None
    reference.no_truncation()
    reference.no_padding()
    added = reference.get_added_tokens_decoder()
    spelled = [reference.id_to_token(id) for id, token in added.items() if token.normalized]
    if (
        len(set(spelled)) < len(spelled) or "" in spelled
    ):  # the library picks one by chance, or finds nothing everywhere
        return None
    rows, lists = [], []
    for text in random_texts(source, state, text_count):
        for kind, special in (("e", False), ("s", True)):
            encoding = attempt(reference.encode, text, add_special_tokens=special)
            if encoding is None:
                continue
            want = "error" if encoding is FAILED else " ".join(map(str, encoding.ids))
            rows.append((kind, text.encode(), want.encode()))
            if encoding is not FAILED:
                lists.append(encoding.ids)
    size = reference.get_vocab_size()
    lists += [[source.randrange(size + 2) for _ in range(source.randint(0, 12))] for _ in range(text_count)]
    # tokenizers 0.23 no longer takes these for special:
    spelled_anew = {id for id, token in added.items() if reference.id_to_token(id) != token.content}
    for ids in lists:
        listed = " ".join(map(str, ids)).encode()
        for kind, skip in (("d", False), ("k", True), ("f", False)):
            want = attempt(reference.decode, ids, skip_special_tokens=skip)
            if isinstance(want, str) and not (skip and spelled_anew.intersection(ids)):
                rows.append((kind, listed, want.encode()))
    return rows


def random_case(seed):
    """(state, random source), or None where the library cannot make the file."""
    source = random.Random(seed)
    state = attempt(random_state, source)
    return None if state is None or state is FAILED else (state, source)


def summary(state):
    def types(value):
        if value is None:
            return "-"
        members = next(
            (value[key] for key in ("normalizers", "pretokenizers", "processors", "decoders") if key in value), None
        )
        return value.get("type", "?") if members is None else "[" + " ".join(map(types, members)) + "]"

    parts = [state["model"].get("type", "?")] + [
        types(state[key]) for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder")
    ]
    return " | ".join(parts)


def in_child(call, *arguments):
    """The library hangs on some texts: those cost their child ten seconds and are no cases."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        with os.fdopen(sink, "wb") as file:
            pickle.dump(call(*arguments), file)
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as file:
        result = file.read()
    os.waitpid(child, 0)
    return pickle.loads(result) if result else None


def compare(driver, seed, text_count):
    made = random_case(seed)
    rows = None if made is None else rows_of(made[1], made[0], text_count)
    if rows is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(made[0], file)
        try:
            answers = ask(driver, folder, [(kind, payload) for kind, payload, _ in rows])
        except Exception as error:
            return made[0], len(rows), [("load", b"", b"", str(error).encode())]
    wrong = [row + (answer,) for row, answer in zip(rows, answers) if row[2] != answer]
    return made[0], len(rows), wrong


def fixture(seed, text_count):
    """A small file and rows of it; None where it is no case."""
    made = random_case(seed)
    rows = None if made is None else rows_of(made[1], made[0], text_count)
    if rows is None or len(json.dumps(made[0])) > 4000:
        return None
    listed, wants = [], {}
    for kind, payload, want in rows:  # s and k are listed where they are not as e and d
        if (
            kind != "f"
            and len(payload) + len(want) < 300
            and want != wants.get(("e" if kind == "s" else "d", payload))
        ):
            wants[kind, payload] = want
            listed.append([kind, payload.decode(), want.decode()])
    return {"seed": seed, "files": {"tokenizer.json": made[0]}, "rows": listed}


def write(path, count=60, texts=10):
    VOCABULARY[:] = [30, 70]
    cases = []
    for seed in range(1000):
        made = in_child(fixture, seed, texts) if len(cases) < count else None
        if made is not None:
            cases.append(made)
    with open(path, "w", encoding="ascii") as file:
        json.dump(cases, file, separators=(",", ":"))
        file.write("\n")
    print(
        len(cases),
        "files;",
        *sorted({word for case in cases for word in summary(case["files"]["tokenizer.json"]).split()})
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver", nargs="?")
    parser.add_argument("--write")
    parser.add_argument("--seeds", default="0-999")
    parser.add_argument("--texts", type=int, default=30)
    parser.add_argument("--show", type=int, default=1)
    parser.add_argument("--charsmap", help="a tokenizer.json whose Precompiled normalizer is used too")
    options = parser.parse_args()
    if options.charsmap:
        with open(options.charsmap, encoding="utf-8") as file:
            CHARSMAPS.append(json.load(file)["normalizer"]["precompiled_charsmap"])
    if options.write:
        return write(options.write)
    first, last = map(int, options.seeds.split("-"))
    count = cases = 0
    kinds = collections.Counter()
    for seed in range(first, last + 1):
        result = in_child(compare, options.driver, seed, options.texts)
        if result is None:
            continue
        state, rows, wrong = result
        count, cases = count + 1, cases + rows
        if wrong:
            kinds[wrong[0][0]] += 1
            print("seed", seed, len(wrong), "of", rows, summary(state))
            for kind, payload, want, answer in sorted(wrong, key=lambda row: len(row[1]))[: options.show]:
                print(
                    "  ",
                    kind,
                    json.dumps(payload.decode())[:300],
                    "\n     want",
                    want[:300],
                    "\n     have",
                    answer[:300],
                )
    print(count, "files,", cases, "cases; files that differ:", dict(kinds) or "none")
    sys.exit(bool(kinds))


if __name__ == "__main__":
    main()
