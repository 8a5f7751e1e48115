"""Makes fixtures/: small tokenizers of every kind, trained and run by Hugging Face's `tokenizers` and by `sentencepiece`
(both PyPI), with what those libraries encode and decode. Run by hand after a change:  make_fixtures.py fixtures
"""

import io
import json
import os
import sys

import sentencepiece
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from compare_hf import SENTENCES

GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
TEXTS = [
    "",
    " ",
    "a",
    "\n\n",
    "Hello, world!",
    "  two  blanks ",
    "the the the them",
    "e\u0301 \u00e9 \u1e9b\u0323 \ufb01",
    "don't DON'T we'll",
    "x=12345+6;",
    "<s>x</s>",
    "a<|end|>b <|end|> c",
    " <mask> ",
    "word<tool>ABC<tool> d",
    "\u4eca\u5929\u5929\u6c14",
    "\U0001f600\U0001f468\u200d\U0001f469",
    "tab\tand\u00a0nbsp\u3000wide",
    "\u2581x \u2581",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
] + SENTENCES[:12]


def bytes_trainer(size=320):
    return trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )


def gpt2():
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    made.train_from_iterator(SENTENCES, bytes_trainer())
    made.add_special_tokens(["<|end|>"])
    return made


def llama3():
    made = Tokenizer(models.BPE(ignore_merges=True))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(GPT4), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(SENTENCES, bytes_trainer())
    made.add_special_tokens(["<s>", "<|end|>"])
    made.add_tokens([AddedToken("<tool>", normalized=False)])
    made.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", made.token_to_id("<s>"))]
            ),
        ]
    )
    return made


def qwen():
    made = llama3()
    made.normalizer = normalizers.NFC()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    return made


def llama2():
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        show_progress=False,
        limit_alphabet=80,
        max_token_length=8,
        special_tokens=["<unk>", "<s>", "</s>"] + ["<0x%02X>" % byte for byte in range(256)],
    )
    made.train_from_iterator([word for text in SENTENCES[:3] for word in text.split(" ")], trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    state = json.loads(made.to_str())
    state["added_tokens"] = state["added_tokens"][:3]  # the byte tokens are plain pieces
    return Tokenizer.from_str(json.dumps(state))


def mistral():
    made = llama2()
    made.normalizer = None
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    return made


def metaspace():
    made = llama2()
    made.normalizer = None
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.decoder = decoders.Metaspace(prepend_scheme="always")
    return made


def added():
    made = llama2()
    made.add_special_tokens(
        [AddedToken("<mask>", lstrip=True, special=True), AddedToken("<|end|>", rstrip=True, special=True)]
    )
    made.add_tokens(
        [
            AddedToken("<tool>", single_word=True, normalized=False),
            AddedToken("the", normalized=True),
            AddedToken("them", normalized=False),
            AddedToken("  ", normalized=False),
        ]
    )
    return made


def wordpiece():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.train_from_iterator(
        SENTENCES[:3],
        trainers.WordPieceTrainer(
            vocab_size=250, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False
        ),
    )
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return made


def unigram():
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.train_from_iterator(
        SENTENCES[:4],
        trainers.UnigramTrainer(
            vocab_size=200, unk_token="<unk>", special_tokens=["<unk>", "<s>", "</s>"], show_progress=False
        ),
    )
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1))
    return made


def wordlevel():
    made = Tokenizer(models.WordLevel(unk_token="<unk>"))
    made.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]
    )
    made.train_from_iterator(SENTENCES[:2], trainers.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False))
    return made


def splits():
    made = gpt2()
    made.normalizer = normalizers.NFKD()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Punctuation("contiguous"),
            pre_tokenizers.Split("th", "merged_with_previous"),
            pre_tokenizers.Split(Regex("[aeiou]+"), "merged_with_next"),
            pre_tokenizers.Split(Regex(r"\s+"), "removed"),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.CharDelimiterSplit("z"),
            pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True),
        ]
    )
    return made


KINDS = [gpt2, llama3, qwen, llama2, mistral, metaspace, added, wordpiece, unigram, wordlevel, splits]


def sentencepiece_case(folder, name, **options):
    """SentencePiece reads the spelling of a control token as text, so these texts are not trusted."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES[:4] * 20),
        model_writer=model,
        num_threads=1,
        minloglevel=2,
        hard_vocab_limit=False,
        **options
    )
    with open(os.path.join(folder, name), "wb") as file:
        file.write(model.getvalue())
    made = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    rows = [{"text": text, "ids": made.encode(text), "decoded": made.decode(made.encode(text))} for text in TEXTS]
    return {"fixture": name, "untrusted": True, "rows": rows}


def main(folder):
    cases = [
        sentencepiece_case(
            folder,
            "bpe.model",
            model_type="bpe",
            vocab_size=420,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            character_coverage=0.98,
        ),
        sentencepiece_case(
            folder,
            "unigram.model",
            model_type="unigram",
            vocab_size=200,
            normalization_rule_name="identity",
            character_coverage=0.98,
        ),
    ]
    for kind in KINDS:
        made = kind()
        os.makedirs(os.path.join(folder, kind.__name__), exist_ok=True)
        made.save(os.path.join(folder, kind.__name__, "tokenizer.json"), pretty=False)
        rows = []
        normalised = {token["id"] for token in json.loads(made.to_str())["added_tokens"] if token["normalized"]}
        for text in TEXTS:
            ids = made.encode(text, add_special_tokens=False).ids
            # tokenizers 0.23 decodes a normalised added token to its normalised form, and no longer takes it for special
            # where it is; before, and here, it decodes to its content.
            decodes = normalised.isdisjoint(ids)
            rows.append(
                {
                    "text": text,
                    "ids": ids,
                    "special": made.encode(text).ids,
                    "decoded": made.decode(ids, skip_special_tokens=False) if decodes else None,
                    "skipped": made.decode(ids, skip_special_tokens=True) if decodes else None,
                }
            )
        cases.append({"fixture": kind.__name__, "rows": rows})
    with open(os.path.join(folder, "cases.json"), "w", encoding="utf-8") as file:
        json.dump(cases, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
