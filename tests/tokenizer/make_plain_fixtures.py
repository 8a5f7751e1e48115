"""Makes fixtures/plain/: small vocabularies that are no tokenizer.json (SentencePiece models, tiktoken ranks, GGUF
files, vocab.json with merges.txt, vocab.txt), and fixtures/plain.json, what the libraries that own these formats encode
and decode: `sentencepiece`, `tiktoken`, `transformers`, and for GGUF Hugging Face's `tokenizers` on the same
vocabulary. Also fixtures/words.json, into which words `tokenizers` cuts text by the expressions that GGUF files name.
Needs these packages and `gguf` (all PyPI). Run by hand after a change:  make_plain_fixtures.py fixtures
"""

import base64
import io
import json
import os
import shutil
import struct
import sys
import unicodedata

import gguf
import sentencepiece
import tiktoken
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from compare_hf import SENTENCES
from make_fixtures import TEXTS as COMMON

TEXTS = COMMON + [
    "<tool>x</tool>  ab aab foo bar",
    " \u2581 \u2581\u2581\u2581x",
    "a\n  ",
    "  a   b   ",
    "\u00c9t\u00e9 \u00e9cole caf\u00e9",
]
MAP = "0041\t0061\n0042\t0062\n00E9\t0065\n0065 0301\t0065\n000A\t0020\n0009\t0020\n3000\t0020\nFB01\t0066 0069\n"


def write(folder, name, data):
    path = os.path.join(folder, "plain", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def sentencepiece_case(folder, name, **options):
    model = io.BytesIO()
    settings = dict(
        vocab_size=300,
        normalization_rule_name="identity",
        character_coverage=0.98,
        num_threads=1,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    settings.update(options)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES[:4] * 20), model_writer=model, **settings
    )
    write(folder, name, model.getvalue())
    made = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    rows = [{"text": text, "ids": made.encode(text), "decoded": made.decode(made.encode(text))} for text in TEXTS]
    return {"fixture": "plain/" + name, "untrusted": True, "rows": rows}


def sentencepiece_cases(folder):
    symbols = ["<tool>", "ab", "foo bar", "\u2581\u2581\u2581", "\u00e9"]
    table = os.path.join(folder, "map.tsv")
    with open(table, "w") as file:
        file.write(MAP)
    mapped = dict(normalization_rule_name="", normalization_rule_tsv=table)
    made = [
        sentencepiece_case(folder, "char.model", model_type="char", user_defined_symbols=symbols),
        sentencepiece_case(folder, "char-bytes.model", model_type="char", byte_fallback=True, **mapped),
        sentencepiece_case(folder, "word.model", model_type="word", user_defined_symbols=symbols),
        sentencepiece_case(
            folder, "word-bytes.model", model_type="word", byte_fallback=True, vocab_size=290, **mapped
        ),
        sentencepiece_case(
            folder,
            "bpe-symbols.model",
            model_type="bpe",
            user_defined_symbols=symbols,
            control_symbols=["<ctl>"],
            **mapped,
        ),
        sentencepiece_case(
            folder,
            "bpe-suffix.model",
            model_type="bpe",
            treat_whitespace_as_suffix=True,
            remove_extra_whitespaces=False,
            unk_surface="<?>",
            pad_id=0,
            unk_id=1,
            bos_id=-1,
        ),
        sentencepiece_case(
            folder,
            "unigram-symbols.model",
            model_type="unigram",
            vocab_size=200,
            user_defined_symbols=symbols,
            add_dummy_prefix=False,
        ),
        sentencepiece_case(
            folder,
            "unigram-suffix.model",
            model_type="unigram",
            vocab_size=200,
            treat_whitespace_as_suffix=True,
            **mapped,
        ),
    ]
    os.remove(table)
    return made


def train_ranks(expression):
    """The ranks are those of a byte-level BPE trained here: single bytes, then the merged pieces in their order."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(SENTENCES, trainer)
    spelled = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that are their own characters
    others = [byte for byte in range(256) if byte not in spelled]
    alphabet = {chr(byte): byte for byte in spelled} | {chr(256 + i): byte for i, byte in enumerate(others)}
    pieces = sorted(made.get_vocab().items(), key=lambda entry: entry[1])
    return {bytes(alphabet[char] for char in piece): rank for piece, rank in pieces}


def rank_case(folder, name, expression, prepare):
    ranks = train_ranks(expression)
    write(folder, name, b"".join(base64.b64encode(piece) + b" %d\n" % rank for piece, rank in ranks.items()))
    reference = tiktoken.Encoding(name, pat_str=expression, mergeable_ranks=ranks, special_tokens={})
    rows = []
    for text in TEXTS:
        ids = reference.encode_ordinary(prepare(text))
        rows.append({"text": text, "ids": ids, "decoded": reference.decode(ids)})
    return {"fixture": "plain/" + name, "untrusted": True, "rows": rows}


def tekken_case(folder, expression, special_count=30):
    """Of the ranks here the last ten are not used."""
    ranks = train_ranks(expression)
    used = len(ranks) - 10
    config = dict(
        pattern=expression,
        num_vocab_tokens=len(ranks),
        default_vocab_size=used + special_count,
        default_num_special_tokens=special_count,
        version="v3",
    )
    entries = [
        dict(rank=rank, token_bytes=base64.b64encode(piece).decode(), token_str=piece.decode(errors="replace"))
        for piece, rank in ranks.items()
    ]
    write(folder, "tekken/tekken.json", json.dumps(dict(config=config, vocab=entries)))
    first = {piece: rank for piece, rank in ranks.items() if rank < used}
    reference = tiktoken.Encoding("tekken", pat_str=expression, mergeable_ranks=first, special_tokens={})
    rows = []
    for text in TEXTS:
        ids = reference.encode_ordinary(text)
        rows.append({"text": text, "ids": [id + special_count for id in ids], "decoded": reference.decode(ids)})
    return {"fixture": "plain/tekken", "untrusted": True, "rows": rows}


def hf_rows(made, special=True):
    rows = []
    for text in TEXTS:
        ids = made.encode(text, add_special_tokens=False).ids
        row = {"text": text, "ids": ids, "decoded": made.decode(ids, skip_special_tokens=False)}
        if special:
            row["special"] = made.encode(text).ids
        rows.append(row)
    return rows


def class_case(folder, name, class_name, files, config):
    for file, data in files.items():
        write(folder, name + "/" + file, data)
    write(folder, name + "/tokenizer_config.json", json.dumps({"tokenizer_class": class_name, **config}))
    made = getattr(transformers, class_name).from_pretrained(os.path.join(folder, "plain", name)).backend_tokenizer
    return {"fixture": "plain/" + name, "rows": hf_rows(made)}


def merged(**options):
    made = Tokenizer(models.BPE(**options))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>"],
    )
    made.train_from_iterator(SENTENCES, trainer)
    model = json.loads(made.to_str())["model"]
    merges = "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in model["merges"]) + "\n"
    return {"vocab.json": json.dumps(model["vocab"]), "merges.txt": merges}, model


def suffixed():
    made = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=300, show_progress=False, special_tokens=["<unk>"], end_of_word_suffix="</w>", limit_alphabet=60
    )
    made.train_from_iterator(SENTENCES[:3], trainer)
    model = json.loads(made.to_str())["model"]
    merges = "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in model["merges"]) + "\n"
    return {"vocab.json": json.dumps(model["vocab"]), "merges.txt": merges}


def wordpiece(lowercase):
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=300,
        show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        limit_alphabet=70,
    )
    made.train_from_iterator(SENTENCES[:4], trainer)
    return sorted(made.get_vocab(), key=made.get_vocab().get), made


def class_cases(folder):
    files, _ = merged()
    lowered, cased = wordpiece(True)[0], wordpiece(False)[0]
    return [
        class_case(folder, "gpt2-class", "GPT2Tokenizer", files, {"add_prefix_space": True}),
        class_case(folder, "neox-class", "GPTNeoXTokenizer", files, {}),
        class_case(folder, "qwen2-class", "Qwen2Tokenizer", files, {}),
        class_case(folder, "roberta-class", "RobertaTokenizer", files, {}),
        class_case(folder, "gpt1-class", "OpenAIGPTTokenizer", suffixed(), {}),
        class_case(folder, "bert-class", "BertTokenizer", {"vocab.txt": "\n".join(lowered) + "\n"}, {}),
        class_case(
            folder,
            "bert-cased-class",
            "BertTokenizer",
            {"vocab.txt": "\n".join(cased) + "\n"},
            {"do_lower_case": False},
        ),
    ]


def gguf_write(folder, name, model, tokens, types, merges=None, scores=None, **fields):
    path = os.path.join(folder, "plain", name)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if merges is not None:
        writer.add_token_merges(merges)
    if scores is not None:
        writer.add_token_scores(scores)
    for key, value in fields.items():
        key = "tokenizer.ggml." + key.replace("__", ".")
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        else:
            writer.add_string(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_bert(folder):
    pieces, _ = wordpiece(False)
    control = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    spelled = [p if p in control else p[2:] if p.startswith("##") else "\u2581" + p for p in pieces]
    gguf_write(
        folder,
        "bert.gguf",
        "bert",
        spelled,
        [3 if p in control else 1 for p in pieces],
        normalizer__lowercase=False,
        unknown_token_id=1,
        bos_token_id=2,
        seperator_token_id=3,
    )
    made = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(prefix="##")
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.add_special_tokens(sorted(control, key=pieces.index))
    return {"fixture": "plain/bert.gguf", "rows": hf_rows(made)}


def gguf_gemma4(folder):
    bytes_ = ["<0x%02X>" % b for b in range(256)]
    trained = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    trained.normalizer = normalizers.Replace(" ", "\u2581")
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        show_progress=False,
        special_tokens=["<pad>", "<eos>", "<bos>", "<unk>"] + bytes_,
        limit_alphabet=90,
    )
    trained.train_from_iterator(SENTENCES[:6], trainer)
    model = json.loads(trained.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    types = [3 if i < 4 else 6 if piece in bytes_ else 1 for i, piece in enumerate(pieces)]
    gguf_write(
        folder,
        "gemma4.gguf",
        "gemma4",
        pieces,
        types,
        merges=[" ".join(pair) for pair in model["merges"]],
        bos_token_id=2,
        eos_token_id=1,
        unknown_token_id=3,
        add_bos_token=True,
    )
    merges = [tuple(pair) for pair in model["merges"]]
    made = Tokenizer(
        models.BPE(model["vocab"], merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    )
    made.normalizer = normalizers.Replace(" ", "\u2581")
    made.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    made.add_special_tokens(pieces[:4])
    made.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    return {"fixture": "plain/gemma4.gguf", "rows": hf_rows(made)}


def gguf_t5(folder):
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, show_progress=False, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>"
    )
    trained.train_from_iterator(SENTENCES[:3] * 5, trainer)
    vocabulary = [tuple(entry) for entry in json.loads(trained.to_str())["model"]["vocab"]]
    gguf_write(
        folder,
        "t5.gguf",
        "t5",
        [piece for piece, _ in vocabulary] + ["[PAD%d]" % i for i in range(3)],
        [3, 3, 2] + [1] * (len(vocabulary) - 3) + [5] * 3,
        scores=[score for _, score in vocabulary] + [-10000.0] * 3,
        eos_token_id=1,
        unknown_token_id=2,
        padding_token_id=0,
    )
    stored = [(piece, struct.unpack("f", struct.pack("f", score))[0]) for piece, score in vocabulary]
    made = Tokenizer(models.Unigram(stored, unk_id=2))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    made.decoder = decoders.Metaspace()
    made.add_special_tokens(["<pad>", "</s>", "<unk>"])
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return {"fixture": "plain/t5.gguf", "rows": hf_rows(made)}


def gguf_whitespace(folder):
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=300, show_progress=False, special_tokens=["<unk>", "<s>"], limit_alphabet=90
    )
    made.train_from_iterator(SENTENCES[:6], trainer)
    model = json.loads(made.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    gguf_write(
        folder,
        "whitespace.gguf",
        "whitespace",
        pieces,
        [2, 3] + [1] * (len(pieces) - 2),
        merges=[" ".join(pair) for pair in model["merges"]],
        pre="whitespace",
        unknown_token_id=0,
        normalizer__lowercase=True,
    )
    return {"fixture": "plain/whitespace.gguf", "rows": hf_rows(made, special=False)}


def gguf_endings(folder):
    """No ids, only what ends a turn: a vocabulary in the manner of gpt-oss, one in Gemma 4's, and one in that of older
    files of Gemma 2, which have the marks of turns as user-defined tokens."""
    harmony, gemma = ["<|return|>", "<|call|>", "<|end|>"], ["<turn|>", "<|end|>"]
    gemma2 = ["<eos>", "<start_of_turn>", "<end_of_turn>", "<think>"]
    for name, control, kind in (("harmony.gguf", harmony, 3), ("turns.gguf", gemma, 3), ("user_turns.gguf", gemma2, 4)):
        tokens = ["a", "b", "ab"] + control
        types = [1, 1, 1] + [kind] * len(control)
        gguf_write(folder, name, "gpt2", tokens, types, merges=["a b"], pre="gpt-4o", eos_token_id=3)


# ---- words ---------------------------------------------------------------------------------------------------------

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s|%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
HAN = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
DEEPSEEK_V3 = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"
)
BLOOM = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"


def gpt4(digits):
    return ENDINGS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|" + digits + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES


def kimi():
    sets = (r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]")
    lead, end = r"[^\r\n\p{L}\p{N}]?", ENDINGS + "?"
    parts = [r"[\p{Han}]+", lead + sets[0] + "*" + sets[1] + "+" + end, lead + sets[0] + "+" + sets[1] + "*" + end]
    return "|".join(parts + [r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n]*", SPACES])


WORDS = {
    "gpt-2 phi-2 roberta-bpe jina-v2-de exaone4 trillion mellum": [GPT2],
    "mpt olmo modern-bert": ["NFC", GPT2],
    "llama-bpe llama3 falcon3 lfm2 dbrx smaug-bpe glm4 chatglm-bpe": [gpt4(r"\p{N}{1,3}")],
    "minicpm5": [r"\p{N}{1,3}", gpt4(r"\p{N}+")],
    "qwen2 deepseek-r1-qwen megrez": ["NFC", gpt4(r"\p{N}")],
    "stablelm2 hunyuan grok-2 solar-open": [gpt4(r"\p{N}")],
    "laguna": [r"[^\n]+|[\n]+", gpt4(r"\p{N}")],
    "ufakzeka": [r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES],
    "seed-coder": [ENDINGS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + SPACES],
    "bailingmoe bailingmoe2 llada-moe": [
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
    ],
    "exaone-moe": [
        ENDINGS + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?"
        r"|\s*[\r\n]|\s+(?!\S)|\s+"
    ],
    "qwen35": [
        ENDINGS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + SPACES,
    ],
    "gpt-4o llama4 kanana2 minimax-m2 granite-embed-multi-97m": [CASED % (ENDINGS + "?", ENDINGS + "?", r"\p{N}{1,3}")],
    "tekken": [CASED % ("", "", r"\p{N}")],
    "kimi-k2": [kimi()],
    "tiny_aya cohere2moe": ["NFC", r"\d{1,3}(?=(?:\d{3})*\b)", CASED % (ENDINGS + "?", ENDINGS + "?", r"\p{N}{1,3}")],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
    "starcoder refact smollm codeshell exaone minerva-7b mellum2": [r"\p{N}", GPT2],
    "command-r": ["NFC", r"\p{N}", GPT2],
    "superbpe": [r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", r"\p{N}"],
    "deepseek-v3 hunyuan-dense joyai-llm": [r"\p{N}{1,3}", HAN, DEEPSEEK_V3 + r"[\r\n]*|" + SPACES],
    "spark2_5": [r"\p{N}{1,3}", HAN, DEEPSEEK_V3 + r"|[\r\n]|\s+(?!\S)|\s+", r"\p{N}"],
    "poro-chat bloom gpt3-finnish": [BLOOM],
    "viking": [BLOOM, r"\p{N}"],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
}


def words_cases():
    more = ["1234567 12 345678", "a b c dd e", "it's IT'S 'Tis\u2019s", "x\r\n\r\n  y\t"]
    texts = [text for text in TEXTS if text] + more
    made = []
    for names, steps in WORDS.items():
        compose = steps[0] == "NFC"
        cutter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(step), "isolated") for step in steps[compose:]])
        rows = []
        for text in texts:
            text = unicodedata.normalize("NFC", text) if compose else text
            rows.append([word for word, _ in cutter.pre_tokenize_str(text)])
        made.append({"names": names.split(), "compose": compose, "words": rows})
    return {"texts": texts, "cases": made}


def json_lines(value, depth):
    """JSON whose containers have a line for each member down to `depth`, and are one line below."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, list):
        return "[\n%s\n]" % ",\n".join(json_lines(member, depth - 1) for member in value)
    return "{\n%s\n}" % ",\n".join("%s:%s" % (json.dumps(key), json_lines(value[key], depth - 1)) for key in value)


def main(folder):
    shutil.rmtree(os.path.join(folder, "plain"), ignore_errors=True)
    nfc = lambda text: unicodedata.normalize("NFC", text)
    openai = (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
        r"|\s+(?!\S)|\s"
    )
    cases = (
        sentencepiece_cases(folder)
        + [
            rank_case(folder, "qwen.tiktoken", gpt4(r"\p{N}"), nfc),
            rank_case(folder, "cl100k_base.tiktoken", openai, str),
            rank_case(folder, "o200k_base.tiktoken", CASED % (ENDINGS + "?", ENDINGS + "?", r"\p{N}{1,3}"), str),
            rank_case(folder, "ranks.tiktoken", gpt4(r"\p{N}{1,3}"), str),
        ]
        + [tekken_case(folder, CASED % ("", "", r"\p{N}"))]
        + class_cases(folder)
        + [gguf_bert(folder), gguf_gemma4(folder), gguf_t5(folder), gguf_whitespace(folder)]
    )
    gguf_endings(folder)
    write(folder, "../plain.json", json_lines(cases, 3) + "\n")
    write(folder, "../words.json", json_lines(words_cases(), 4) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
