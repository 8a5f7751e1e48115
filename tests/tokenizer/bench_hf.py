"""Encoding speed beside Hugging Face's `tokenizers` on one thread, turn by turn in one run.

  bench_hf.py QUIRE FOLDER... [--rounds N] [--file TEXT]

QUIRE is the program; each FOLDER holds a tokenizer.json. The texts are those of `quire bench tokenize` (English, Chinese,
code), or the files named; quire always gets them in one piece, the reference in the pieces that suit it best. Prints medians of
MB/s and their ratio. Needs the package `tokenizers`; used by hand.
"""

import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import argparse
import ast
import json
import re
import statistics
import subprocess
import tempfile
import time

from tokenizers import Tokenizer

SAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "server", "bench_text_sample.h")
TEXT_BYTES = 1000000
PIECE_CHARACTERS = 300


def built_in_texts():
    """The sentences of bench_text_sample.h, shuffled as text_fill of bench_text.c does."""
    source = open(SAMPLE, encoding="utf-8").read()
    texts = {}
    for name, body in re.findall(r"\*const (\w+)\[\] = \{\n(.*?)NULL,\n\};", source, re.S):
        sentences, literal = [], r'"(?:[^"\\]|\\.)*"'
        for sentence in re.findall(r"(?:%s\s*)+(?=,)" % literal, body):
            sentences.append("".join(ast.literal_eval(part) for part in re.findall(literal, sentence)).encode())
        text, state = bytearray(), 1
        while len(text) < TEXT_BYTES:
            text += sentences[(state >> 33) % len(sentences)]
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        texts[name] = bytes(text)
    assert sorted(texts) == ["chinese", "code", "english"], sorted(texts)
    return texts


def rate(tokenizer, texts):
    start, runs = time.perf_counter(), 0
    while runs == 0 or time.perf_counter() - start < 0.5:
        tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        runs += 1
    return sum(len(text.encode()) for text in texts) * runs / (time.perf_counter() - start) / 1e6


def reference_rate(tokenizer, text):
    """The better of the whole text at once and pieces of it: the reference is faster with short texts."""
    pieces = [text[at : at + PIECE_CHARACTERS] for at in range(0, len(text), PIECE_CHARACTERS)]
    return max(rate(tokenizer, [text]), rate(tokenizer, pieces))


def quire_rate(program, folder, path):
    output = subprocess.run([program, "bench", "tokenize", folder, "--file", path, "--json"], stdout=subprocess.PIPE, check=True)
    return next(row for row in json.loads(output.stdout)["rows"] if row["phase"] == "encode")["mb_per_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quire")
    parser.add_argument("folder", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--file", action="append")
    options = parser.parse_args()
    texts = {path: open(path, "rb").read() for path in options.file} if options.file else built_in_texts()
    with tempfile.TemporaryDirectory() as scratch:
        for folder in options.folder:
            tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
            tokenizer.no_truncation()
            tokenizer.no_padding()
            for name, text in texts.items():
                path = os.path.join(scratch, "text")
                open(path, "wb").write(text)
                rates = [(quire_rate(options.quire, folder, path), reference_rate(tokenizer, text.decode()))
                         for _ in range(options.rounds)]
                ours, theirs = (statistics.median(column) for column in zip(*rates))
                ratio = statistics.median(a / b for a, b in rates)
                print("%-24s %-10s quire %7.2f MB/s  tokenizers %7.2f MB/s  ratio %5.2f"
                      % (os.path.basename(os.path.normpath(folder)), os.path.basename(name), ours, theirs, ratio), flush=True)


if __name__ == "__main__":
    main()
