"""Compares tokenizers that come without a tokenizer.json with the libraries that own their formats: ids and text.

  compare_plain.py DRIVER PATH... [--bytes N] [--seed N] [--expression REGEX]

DRIVER is the program tokenizer_driver. A PATH is a SentencePiece model (.model; reference: `sentencepiece`), a rank
file (.tiktoken; reference: `tiktoken` with --expression), a GGUF vocabulary with .inp and .out files beside it, or a
folder whose tokenizer_config.json names a class (reference: `transformers`). Used by hand, not by the test suite.
"""

import argparse
import base64
import json
import os
import sys

from compare_hf import ask, make_texts

SEPARATOR = b"\n__ggml_vocab_test__\n"


def sentencepiece_rows(path, texts, _):
    import sentencepiece

    made = sentencepiece.SentencePieceProcessor(model_file=path)
    return [("u", text.encode(), ids, made.decode(ids)) for text, ids in zip(texts, made.encode(texts))]


def rank_rows(path, texts, expression):
    import tiktoken

    with open(path, "rb") as file:
        lines = [line.split() for line in file.read().splitlines() if line]
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    made = tiktoken.Encoding("ranks", pat_str=expression, mergeable_ranks=ranks, special_tokens={})
    rows = []
    for text in texts:
        ids = made.encode_ordinary(text)
        rows.append(("u", text.encode(), ids, made.decode(ids)))
    return rows


def gguf_rows(path, _texts, _expression):
    with open(path + ".inp", "rb") as file:
        inputs = file.read().split(SEPARATOR)[:-1]
    with open(path + ".out") as file:
        outputs = file.read().split("\n")
    return [("e", text, [int(id) for id in line.split()], None) for text, line in zip(inputs, outputs)]


def class_rows(path, texts, _):
    import transformers

    made = transformers.AutoTokenizer.from_pretrained(path).backend_tokenizer
    rows = []
    for text, encoding in zip(texts, made.encode_batch(texts, add_special_tokens=False)):
        rows.append(("e", text.encode(), encoding.ids, made.decode(encoding.ids, skip_special_tokens=False)))
    for text, encoding in zip(texts[:200], made.encode_batch(texts[:200])):
        rows.append(("s", text.encode(), encoding.ids, None))
    return rows


def compare(driver, path, texts, expression, show):
    endings = {".model": sentencepiece_rows, ".tiktoken": rank_rows, ".gguf": gguf_rows, "": class_rows}
    rows = endings[os.path.splitext(path)[1] if os.path.isfile(path) else ""](path, texts, expression)
    requests, wanted = [], []
    for kind, text, ids, decoded in rows:
        listed = " ".join(map(str, ids)).encode()
        requests.append((kind, text))
        wanted.append(listed)
        if decoded is not None:
            requests.append(("f", listed))
            wanted.append(decoded.encode())
    answers = ask(driver, path, requests)
    wrong = [row for row in zip(requests, wanted, answers) if row[1] != row[2]]
    print(path, len(requests), "cases,", len(wrong) or "none", "differ")
    for (kind, payload), want, have in sorted(wrong, key=lambda row: len(row[0][1]))[:show]:
        print("  ", kind, payload[:300], "\n     want", want[:300], "\n     have", have[:300])
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("path", nargs="+")
    parser.add_argument("--bytes", type=int, default=200000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=2)
    parser.add_argument("--expression", default="")
    options = parser.parse_args()
    texts = make_texts(options.bytes, options.seed)
    same = [compare(options.driver, path, texts, options.expression, options.show) for path in options.path]
    sys.exit(not all(same))


if __name__ == "__main__":
    main()
