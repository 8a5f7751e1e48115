#!/usr/bin/env python3
"""Makes the seeds of a fuzz target: small tokenizers of every kind written out here, those of tests/tokenizer/fixtures with
their vocabularies cut down, and the templates of tests/jinja/small_cases.json:  make_seeds.py TARGET FOLDER"""
import base64
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
BLANK = "\u2581"
TEXT = "ab  aab ca\u0301 <s>x</s> B1 12,\u4eca\U0001f600"
WORDS = ["<unk>", "<s>", "</s>", "a", "b", "c", "ab", "aab", BLANK, BLANK + "a", "x", "B", "1", "\u4eca", ",", "##b", "##a"]
MERGES = [["a", "b"], ["a", "ab"], [BLANK, "a"]]
ADDED = [
    {"id": 0, "content": "<unk>", "special": True},
    {"id": 1, "content": "<s>", "special": True, "lstrip": True},
    {"id": 2, "content": "</s>", "special": True, "rstrip": True},
    {"id": 10, "content": "x", "special": False, "normalized": True, "single_word": True},
]
NORMALISERS = [
    {"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"}, {"type": "Lowercase"}, {"type": "StripAccents"},
    {"type": "Nmt"}, {"type": "ByteLevel"}, {"type": "Strip", "strip_left": True, "strip_right": False},
    {"type": "Prepend", "prepend": BLANK}, {"type": "Replace", "pattern": {"String": " "}, "content": BLANK},
    {"type": "Replace", "pattern": {"Regex": " {2,}|[a-c&&[^b]]"}, "content": " "},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    {"type": "Precompiled", "precompiled_charsmap": ""},
]
CHARS = {"x": "ab", "\u00e9": "e\u0301", "B": ""}
SPLITTERS = [
    {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}, {"type": "ByteLevel", "use_regex": False},
    {"type": "Split", "pattern": {"Regex": "\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"}, "behavior": "Isolated"},
    {"type": "Split", "pattern": {"String": "a"}, "behavior": "MergedWithPrevious", "invert": False},
    {"type": "Split", "pattern": {"Regex": "b|"}, "behavior": "MergedWithNext", "invert": True},
    {"type": "Split", "pattern": {"Regex": "\\s"}, "behavior": "Removed"},
    {"type": "Metaspace", "replacement": BLANK, "prepend_scheme": "always", "split": True},
    {"type": "Metaspace", "replacement": BLANK, "prepend_scheme": "first", "split": False},
    {"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Contiguous"},
    {"type": "BertPreTokenizer"}, {"type": "Whitespace"}, {"type": "WhitespaceSplit"},
    {"type": "CharDelimiterSplit", "delimiter": "b"}, {"type": "FixedLength", "length": 2}, {"type": "UnicodeScripts"},
]
DECODERS = [
    {"type": "ByteLevel"}, {"type": "Metaspace", "replacement": BLANK, "prepend_scheme": "always"},
    {"type": "WordPiece", "prefix": "##", "cleanup": True}, {"type": "CTC"}, {"type": "BPEDecoder", "suffix": "</w>"},
    {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": BLANK}, "content": " "},
                                      {"type": "ByteFallback"}, {"type": "Fuse"},
                                      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
]
PROCESSORS = [
    {"type": "ByteLevel"}, {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]},
    {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": True},
    {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "pair": [],
     "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
]
CONFIGS = [
    {"bos_token": "<s>", "eos_token": {"content": "</s>"}, "add_bos_token": True, "chat_template": "{{ bos_token }}"},
    {"added_tokens_decoder": {"17": {"content": "<|end|>", "special": True}}, "add_eos_token": True, "eos_token": "<|end|>",
     "additional_special_tokens": ["<|end|>"], "chat_template": [{"name": "default", "template": "x"}]},
]
CLASSES = ["GPT2Tokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer", "Qwen3_5Tokenizer", "RobertaTokenizer", "CLIPTokenizer",
           "OpenAIGPTTokenizer", "HerbertTokenizer", "BertTokenizer", "LlamaTokenizer", "T5Tokenizer"]


def models():
    vocab = {word: i for i, word in enumerate(WORDS)}
    byte_vocab = dict(vocab, **{"<0x%02X>" % byte: 17 + byte for byte in (0x20, 0x41, 0xC3, 0xE4)})
    yield {"type": "BPE", "vocab": vocab, "merges": MERGES, "unk_token": "<unk>", "fuse_unk": True}
    yield {"type": "BPE", "vocab": byte_vocab, "merges": ["a b", "a ab"], "byte_fallback": True, "ignore_merges": True}
    yield {"type": "BPE", "vocab": dict(vocab, **{"b</w>": 17}), "merges": [], "end_of_word_suffix": "</w>",
           "continuing_subword_prefix": "##"}
    yield {"type": "WordPiece", "vocab": vocab, "unk_token": "<unk>", "continuing_subword_prefix": "##",
           "max_input_chars_per_word": 8}
    yield {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}
    yield {"type": "Unigram", "vocab": [[word, -i / 2] for i, word in enumerate(WORDS)], "unk_id": 0}
    yield {"type": "Unigram", "vocab": [[word, -i / 2] for i, word in enumerate(byte_vocab)], "unk_id": 0, "byte_fallback": True}


def tokenizer_json():
    for value in tokenizers():
        yield json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def tokenizers():
    made = list(models())
    for number, model in enumerate(made):
        yield {"model": model, "added_tokens": ADDED, "normalizer": None, "pre_tokenizer": None, "post_processor": None,
               "decoder": None, "text": TEXT, "files": {"tokenizer_config.json": CONFIGS[number % 2]}}
    parts = [("normalizer", NORMALISERS), ("pre_tokenizer", SPLITTERS), ("decoder", DECODERS), ("post_processor", PROCESSORS)]
    number = 0
    parts.append(("normalizer", [{"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap(CHARS)).decode()}]))
    for name, values in parts:
        for value in values:
            yield {"model": made[number % len(made)], "added_tokens": ADDED, name: value, "text": TEXT}
            number += 1
    yield {"model": made[0], "normalizer": {"type": "Sequence", "normalizers": NORMALISERS[:3]}, "text": TEXT,
           "pre_tokenizer": {"type": "Sequence", "pretokenizers": SPLITTERS[2:4]},
           "post_processor": {"type": "Sequence", "processors": PROCESSORS[:2]}}
    yield from folders()
    fixtures = os.path.join(TESTS, "tokenizer", "fixtures")
    for kind in sorted(os.listdir(fixtures)):
        path = os.path.join(fixtures, kind, "tokenizer.json")
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                yield dict(cut(json.load(file)), text=TEXT)


def folders():
    """Folders without a tokenizer.json."""
    vocab = {word: i for i, word in enumerate(WORDS)}
    for name in CLASSES:
        config = {"tokenizer_class": name, "unk_token": "<unk>", "bos_token": "<s>"}
        yield {"text": TEXT, "files": {"tokenizer_config.json": config, "vocab.json": vocab, "added_tokens.json": {"<|end|>": 17},
                                       "merges.txt": "#version: 0.2\na b\na ab\n", "generation_config.json": {"eos_token_id": [2]}}}
    yield {"text": TEXT, "files": {"vocab.txt": "\n".join(WORDS), "config.json": {"model_type": "bert", "eos_token_id": 2},
                                   "special_tokens_map.json": {"cls_token": "<s>", "sep_token": {"content": "</s>"}}}}
    ranks = [{"rank": i, "token_bytes": base64.b64encode(word.encode()).decode()} for i, word in enumerate(["a", "b", "ab", " "])]
    config = {"pattern": "\\p{L}+|\\s+", "default_vocab_size": 7, "default_num_special_tokens": 3}
    yield {"text": TEXT, "files": {"tekken.json": {"config": config, "vocab": ranks}}}
    yield {"text": TEXT, "files": {"tiktoken.model": "YQ== 0\nYg== 1\nYWI= 2\n", "chat_template.jinja": "x"}}


def charsmap(rules):
    """A SentencePiece map of characters of one or two bytes, as its normalizer reads them: units of a Darts-clone trie, all
    without offset from the root, then the replacements."""
    units, strings = [0] * 256, b""
    for leaf, (key, value) in enumerate(rules.items(), 1):
        label = key.encode()
        if len(label) == 2:
            units[label[0]] = label[0] << 10 | label[0]
        units[label[-1]] = (label[-1] ^ leaf) << 10 | 0x100 | label[-1]
        units[leaf] = 1 << 31 | len(strings)
        strings += value.encode() + b"\0"
    return struct.pack("<I256I", 1024, *units) + strings


def cut(tokenizer):
    """Without most of its vocabulary and merges."""
    model = tokenizer["model"]
    if isinstance(model["vocab"], list):
        model["vocab"] = model["vocab"][:40]
    else:
        kept = list(model["vocab"])[:12] + list(model["vocab"])[-24:]
        merges = [m for m in model.get("merges", []) if all(p in kept for p in (m if isinstance(m, list) else m.split(" ")))]
        model["vocab"] = {word: model["vocab"][word] for word in kept}
        if "merges" in model:
            model["merges"] = [m for m in merges if "".join(m) in kept]
    return tokenizer


# ---- SentencePiece and tiktoken --------------------------------------------------------------------------------------


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def sentencepiece():
    for unigram in (True, False):
        for fallback in (True, False):
            for plain in (True, False):
                pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("x", 0.0, 4), ("1", -1.0, 5)]
                pieces += [("<0x%02X>" % byte, 0.0, 6) for byte in (0x20, 0x41, 0xC3, 0xE4)] if fallback else []
                pieces += [(word, -i / 2, 1) for i, word in enumerate(WORDS[3:])]
                out = b"".join(field(1, field(1, word.encode()) + field(2, score) + field(3, kind)) for word, score, kind in pieces)
                out += field(2, field(3, 1 if unigram else 2) + field(35, int(fallback)) + field(41, 1) + field(42, 2))
                out += field(3, field(3, int(plain)) + field(4, int(not plain))) + field(99, TEXT.encode())
                yield out
    yield out + field(3, field(2, charsmap(CHARS)) + field(3, 1))
    yield b"YQ== 0\nYg== 1\nYWI= 2\nIA== 3\nIGE= 4\nw6k= 5\n"
    for name in ("bpe.model", "unigram.model"):
        with open(os.path.join(TESTS, "tokenizer", "fixtures", name), "rb") as file:
            yield file.read()[:4096]


# ---- GGUF ------------------------------------------------------------------------------------------------------------


def gguf_string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf_value(value):
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, gguf_string(value)
    kind = gguf_value(value[0])[0]
    return 9, struct.pack("<IQ", kind, len(value)) + b"".join(gguf_value(item)[1] for item in value)


def gguf():
    types = [2, 3, 3, 4] + [1] * (len(WORDS) - 4)
    for model in ("gpt2", "llama", "t5", "bert"):
        for pre in ("default", "llama-bpe", "qwen2"):
            keys = {"general.architecture": "llama", "tokenizer.ggml.model": model, "tokenizer.ggml.pre": pre,
                    "tokenizer.ggml.tokens": WORDS, "tokenizer.ggml.token_type": types,
                    "tokenizer.ggml.scores": [-i / 2 for i in range(len(WORDS))], "tokenizer.ggml.merges": ["a b", "a ab"],
                    "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
                    "tokenizer.ggml.add_bos_token": True, "tokenizer.chat_template": "x"}
            out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys))
            for key, value in keys.items():
                kind, content = gguf_value(value)
                out += gguf_string(key) + struct.pack("<I", kind) + content
            yield out


def templates():
    with open(os.path.join(TESTS, "jinja", "small_cases.json"), encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if isinstance(row, list) and isinstance(row[0], str) and len(row[0]) < 2000:
                yield row[0].encode("utf-8", "surrogatepass")


def main(target, folder):
    seeds = {"template": templates, "tokenizer_json": tokenizer_json, "sentencepiece": sentencepiece, "gguf_vocab": gguf}
    os.makedirs(folder, exist_ok=True)
    for number, content in enumerate(seeds[target]()):
        with open(os.path.join(folder, f"seed-{number:04}"), "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
