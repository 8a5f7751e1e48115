"""Compares the tokenizer with Hugging Face's `tokenizers` (PyPI): ids and decoded text.

  compare_hf.py DRIVER FOLDER... [--bytes N] [--seed N] [--codepoints]

DRIVER is the program tokenizer_driver; each FOLDER holds a tokenizer.json. Texts are made here: real sentences in many
scripts, code, long white space, random Unicode of many kinds. Needs the package `tokenizers`; used by hand, not by the
test suite, which must run without it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

SENTENCES = [
    "The quick brown fox jumps over the lazy dog. It's 3.14159, isn't it? We'll see; they'd said I'M FINE.",
    "Zażółć gęślą jaźń, naïve café, Straße, ﬁne ligature, İstanbul'da ıslak, ǅ ǆ.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. Γαζέες καὶ μυρτιὲς δὲν θὰ βρῶ πιά.",
    "我能吞下玻璃而不伤身体。今天是2024年1月15日，天气很好！「引用」（括号）",
    "私はガラスを食べられます。それは私を傷つけません。ｶﾀｶﾅ ＡＢＣ １２３",
    "나는 유리를 먹을 수 있어요. 그래도 아프지 않아요 ㅋㅋㅋ",
    "أنا قادر على أكل الزجاج و هذا لا يؤلمني. ١٢٣٤ אני יכול לאכול זכוכית",
    "मैं काँच खा सकता हूँ और मुझे उससे कोई चोट नहीं पहुंचती. ฉันกินกระจกได้ แต่มันไม่ทำให้ฉันเจ็บ",
    "😀😃👩‍👩‍👧‍👦🇩🇪🏳️‍🌈👍🏽 ❤️ e\u0301 a\u0323\u0307 \u1e9b\u0323 ½ ² ³ Ⅷ ① 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    'int main(void)\n{\n\tfor (int i = 0; i < 10; i++)\n\t\tprintf("%d\\n", i * 0x1F);\n    return 0;\n}\n',
    "def f(x):\n    if x > 0:\n        return {'a': [1, 2, 3], \"b\": None}\n\n\n\nclass A:\n\tpass\r\n\r\n",
    "  leading and trailing   \n\n\n   \t\t mixed \u00a0\u2003\u3000 spaces \u200b\ufeff end   ",
    "http://example.com/path?x=1&y=2#frag user@example.org C:\\Users\\x #hashtag @name $100.00 50% <b>tag</b>",
    "<s> </s> <unk> [CLS] [SEP] [MASK] <|endoftext|> <|im_start|> <pad> <extra_id_0> >>QUESTION<<",
    "1234567890 12,345,678.90 0xDEADBEEF 1e-10 ٠١٢ ०१२ ４５６",
    "don't DON'T Don’t 'tis 'S 'LL 've'd'm's  a's b'll",
]
RANGES = [
    (0, 0x7F),
    (0x20, 0x7E),
    (0x80, 0x24F),
    (0x250, 0x36F),
    (0x370, 0x5FF),
    (0x600, 0x77F),
    (0x900, 0xDFF),
    (0xE00, 0xFFF),
    (0x1000, 0x11FF),
    (0x1E00, 0x206F),
    (0x2070, 0x2BFF),
    (0x2E80, 0x30FF),
    (0x3400, 0x9FFF),
    (0xA000, 0xABFF),
    (0xAC00, 0xD7A3),
    (0xE000, 0xF8FF),
    (0xF900, 0xFFFD),
    (0x1D400, 0x1D7FF),
    (0x1F300, 0x1FAFF),
    (0x20000, 0x2A6DF),
    (0xE0000, 0xE01EF),
]


CHUNK = 100000  # texts compared at once


def scalar(random_source, low, high):
    while True:
        value = random_source.randint(low, high)
        if not 0xD800 <= value <= 0xDFFF:
            return chr(value)


def make_texts(byte_count, seed):
    source = random.Random(seed)
    texts, total = ["", " ", "a", " a", "a ", "\n", "\u2581", "\u2581a \u2581"] + SENTENCES, 0
    words = [word for sentence in SENTENCES for word in sentence.split(" ")]
    while total < byte_count:
        kind = source.randrange(6)
        if kind == 0:
            text = " ".join(source.choice(words) for _ in range(source.randint(1, 60)))
        elif kind == 1:
            low, high = source.choice(RANGES)
            text = "".join(scalar(source, low, high) for _ in range(source.randint(1, 80)))
        elif kind == 2:
            text = "".join(scalar(source, *source.choice(RANGES)) for _ in range(source.randint(1, 80)))
        elif kind == 3:
            text = "".join(source.choice(" \n\t\r\u00a0ab1'.") for _ in range(source.randint(1, 60)))
        elif kind == 4:
            text = source.choice(SENTENCES) * source.randint(1, 8)
        else:
            text = "".join(source.choice(words) for _ in range(source.randint(1, 20)))
        texts.append(text)
        total += len(text.encode())
    return texts


def every_codepoint():
    """Each scalar value alone, and between a letter, a digit and a blank."""
    scalars = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    return [text for c in scalars for text in (c, "a%s1%s %sa" % (c, c, c))]


def ask(driver, folder, requests):
    """requests: (kind, bytes); answers: bytes."""
    with tempfile.TemporaryFile() as stdin:
        for kind, payload in requests:
            stdin.write(b"%s %d\n%s" % (kind.encode(), len(payload), payload))
        stdin.seek(0)
        output = subprocess.run([driver, folder], stdin=stdin, stdout=subprocess.PIPE, check=True).stdout
    answers, at = [], 0
    while at < len(output):
        end = output.index(b"\n", at)
        count = int(output[at:end])
        answers.append(output[end + 1 : end + 1 + count])
        at = end + 1 + count
    return answers


def open_reference(path):
    """Newer versions of the package refuse some older files for how their merges are written: those get pairs instead."""
    try:
        return Tokenizer.from_file(path)
    except Exception:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        vocabulary = state["model"]["vocab"]
        pairs = []
        for merge in state["model"]["merges"]:
            cuts = [at for at in range(len(merge)) if merge[at] == " " and merge[:at] in vocabulary and merge[at + 1 :] in vocabulary]
            assert len(cuts) == 1, merge
            pairs.append([merge[: cuts[0]], merge[cuts[0] + 1 :]])
        state["model"]["merges"] = pairs
        return Tokenizer.from_str(json.dumps(state))


def compare(driver, folder, texts, seed):
    path = os.path.join(folder, "tokenizer.json")
    reference = open_reference(path)
    reference.no_truncation()
    reference.no_padding()
    source = random.Random(seed)
    has_config = os.path.exists(os.path.join(folder, "tokenizer_config.json"))
    ids = [encoding.ids for encoding in reference.encode_batch(texts, add_special_tokens=False)]
    rows = [("e", text.encode(), " ".join(map(str, want)).encode(), text) for text, want in zip(texts, ids)]
    if not has_config:  # a configuration may replace the post-processor, which `tokenizers` alone does not know
        special = [encoding.ids for encoding in reference.encode_batch(texts[:50], add_special_tokens=True)]
        rows += [("s", text.encode(), " ".join(map(str, want)).encode(), text) for text, want in zip(texts, special)]
    for want in ids:
        listed = " ".join(map(str, want)).encode()
        rows.append(("f", listed, reference.decode(want, skip_special_tokens=False).encode(), want))
        rows.append(("k", listed, reference.decode(want, skip_special_tokens=True).encode(), want))
    for _ in range(500):  # random ids: streamed and whole must agree, whatever the reference makes of broken bytes
        want = [source.randrange(reference.get_vocab_size()) for _ in range(source.randint(1, 20))]
        rows.append(("r", " ".join(map(str, want)).encode(), None, want))
    requests = [("d" if kind == "r" else kind, payload) for kind, payload, _, _ in rows]
    requests += [("f", payload) for kind, payload, _, _ in rows if kind == "r"]
    answers = ask(driver, folder, requests)
    wrong = {}
    streamed = iter(answers[len(rows) :])
    for (kind, _, want, text), answer in zip(rows, answers):
        if kind == "r":
            if answer != next(streamed):
                wrong.setdefault(kind, []).append((text, "stream differs", answer))
        elif answer != want:
            wrong.setdefault(kind, []).append((text, want, answer))
    return len(rows), wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("folder", nargs="+")
    parser.add_argument("--bytes", type=int, default=200000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=2)
    parser.add_argument("--codepoints", action="store_true")
    options = parser.parse_args()
    texts = every_codepoint() if options.codepoints else make_texts(options.bytes, options.seed)
    failed = False
    for folder in options.folder:
        count, wrong = 0, {}
        for start in range(0, len(texts), CHUNK):
            some, differ = compare(options.driver, folder, texts[start : start + CHUNK], options.seed)
            count += some
            for kind, cases in differ.items():
                wrong.setdefault(kind, []).extend(cases)
        failed = failed or bool(wrong)
        print(folder, count, "cases,", {kind: len(cases) for kind, cases in wrong.items()} or "all equal")
        for kind, cases in wrong.items():
            for text, want, answer in sorted(cases, key=lambda case: len(case[0]))[: options.show]:
                print("  ", kind, json.dumps(text)[:300], "\n     want", want[:300], "\n     have", answer[:300])
    sys.exit(failed)


if __name__ == "__main__":
    main()
