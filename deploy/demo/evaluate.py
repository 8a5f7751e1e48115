"""Ask the demo model its held-out questions, greedily, and print the score and every wrong answer.

    python evaluate.py [MODEL]        MODEL is a Hugging Face directory, ./model by default

An answer is right when it equals, up to blanks at its ends, the fact's answer in facts.tsv, or the result that
heldout.tsv gives after "=".
"""
import collections
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
ANSWER_TOKENS = 48


def read_table(name):
    return [line.split("\t") for line in (HERE / name).read_text().splitlines()]


def answer_question(model, tokenizer, question):
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": question}], add_generation_prompt=True,
                                           return_tensors="pt", return_dict=True)
    with torch.no_grad():
        output = model.generate(**prompt, max_new_tokens=ANSWER_TOKENS, do_sample=False)
    return tokenizer.decode(output[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True).strip()


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else HERE / "model"
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    facts = dict(read_table("facts.tsv"))
    right, asked = collections.Counter(), collections.Counter()
    for question, wanted in read_table("heldout.tsv"):
        if not wanted.startswith("="):
            kind, expected = "facts", facts[wanted]
        elif wanted[1:].isdigit():
            kind, expected = "sums", wanted[1:]
        else:
            kind, expected = "words", wanted[1:]
        answer = answer_question(model, tokenizer, question)
        asked[kind] += 1
        if answer == expected:
            right[kind] += 1
        else:
            print(f"wrong: {question}\n   got: {answer}\n  want: {expected}")
    for kind in asked:
        print(f"{kind}: {right[kind]} of {asked[kind]}")
    total = asked.total()
    print(f"score: {right.total()} of {total} held-out questions right ({100 * right.total() / total:.1f}%)")


if __name__ == "__main__":
    main()
