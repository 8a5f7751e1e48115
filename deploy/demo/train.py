"""Train the demo model: transformers' LlamaForCausalLM, from random weights, on CPU.

    python train.py --text /tmp/demo/text.txt --tokenizer model --work /tmp/demo --out model

Conversations are packed into rows that begin with <|begin|>; the later turns of a row see the earlier ones, as in a
chat of several turns. The answers carry the loss; what people ask counts a little, so that /v1/completions can continue
text too. Matrices are trained with Muon, the rest with AdamW. A checkpoint goes to --work every few hundred steps;
--resume takes the newest up again; the last one is written to --out in bfloat16.
"""
import argparse
import json
import pathlib
import random
import time

import torch
from tokenizers import Tokenizer
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

BEGIN, END, USER, ASSISTANT = 0, 1, 2, 3
SHAPE = dict(hidden_size=128, intermediate_size=384, num_hidden_layers=5, num_attention_heads=4, num_key_value_heads=2,
             head_dim=32, max_position_embeddings=512, rope_theta=10000.0, rms_norm_eps=1e-5, tie_word_embeddings=True,
             hidden_act="silu", bos_token_id=BEGIN, eos_token_id=END, pad_token_id=END)
QUESTION_WEIGHT, PLAIN_WEIGHT = 0.02, 0.2
DECAY_SHARE = 0.4   # of the steps, the last, have a falling learning rate
LONG_SHARE = 0.1    # of the steps, the last, have rows of the full context


def read_lines(path, tokenizer):
    """-> list of (ids, weights)."""
    with open(path) as text:
        lines = text.read().splitlines()
    documents = []
    for start in range(0, len(lines), 10000):
        for encoding in tokenizer.encode_batch(lines[start:start + 10000], add_special_tokens=False):
            ids = encoding.ids
            if ASSISTANT in ids:
                turn = ids.index(ASSISTANT) + 1
                weights = [QUESTION_WEIGHT] * turn + [1.0] * (len(ids) - turn)
            else:
                weights = [PLAIN_WEIGHT] * len(ids)
            documents.append((ids, weights))
    return documents


def pack_rows(documents, length, rng):
    """Endless rows of length + 1 tokens; each takes what fits from a small pool, the largest first to fill the gap."""
    order, pool = [], []
    while True:
        ids, weights = [BEGIN], [0.0]
        while True:
            while len(pool) < 64:
                order = order or rng.sample(range(len(documents)), len(documents))
                pool.append(documents[order.pop()])
            room = length + 1 - len(ids)
            fitting = [d for d in range(len(pool)) if len(pool[d][0]) <= room]
            if not fitting:
                break
            pick = rng.choice(fitting) if room > 60 else max(fitting, key=lambda d: len(pool[d][0]))
            document = pool.pop(pick)
            ids, weights = ids + document[0], weights + document[1]
        yield ids + [END] * room, weights + [0.0] * room


def loss_of(model, rows):
    """Mean loss by weight. Most question tokens are left out at random and the others count as much more, so that the
    output head has half the work for the same expected gradient."""
    ids = torch.tensor([row[0] for row in rows])
    weights = torch.tensor([row[1] for row in rows])[:, 1:].flatten()
    chance = (weights / 0.2).clamp(max=1.0)
    chosen = torch.rand(weights.shape) < chance
    hidden = model.model(input_ids=ids[:, :-1]).last_hidden_state.flatten(0, 1)[chosen]
    loss = torch.nn.functional.cross_entropy(model.lm_head(hidden), ids[:, 1:].flatten()[chosen], reduction="none")
    return (loss * (weights / chance)[chosen]).sum() / weights.sum()


def export_model(model, out):
    copy = LlamaForCausalLM(model.config)
    copy.load_state_dict(model.state_dict())
    copy = copy.to(torch.bfloat16)
    copy.generation_config = GenerationConfig(bos_token_id=BEGIN, eos_token_id=[END], pad_token_id=END, do_sample=True,
                                              temperature=0.2, top_p=0.9)
    copy.save_pretrained(out)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--text", required=True)
    arguments.add_argument("--tokenizer", type=pathlib.Path, required=True)
    arguments.add_argument("--work", type=pathlib.Path, required=True, help="for checkpoints and the log")
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--steps", type=int, default=2800)
    arguments.add_argument("--batch-tokens", type=int, default=2048)
    arguments.add_argument("--row-tokens", type=int, default=128)
    arguments.add_argument("--muon-rate", type=float, default=0.006)
    arguments.add_argument("--adam-rate", type=float, default=0.0015)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--resume", action="store_true")
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.work.mkdir(parents=True, exist_ok=True)
    checkpoint = options.work / "checkpoint.pt"

    tokenizer = Tokenizer.from_file(str(options.tokenizer / "tokenizer.json"))
    documents = read_lines(options.text, tokenizer)
    held, documents = documents[:500], documents[500:]
    print(json.dumps({"shape": SHAPE, "options": vars(options)}, default=str), flush=True)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=tokenizer.get_vocab_size(), **SHAPE))
    print(f"{model.num_parameters()} parameters, {len(documents)} conversations,"
          f" {sum(len(d[0]) for d in documents)} tokens", flush=True)

    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim == 1 or "embed" in n]
    optimizers = [
        torch.optim.Muon(matrices, lr=options.muon_rate, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(others, lr=options.adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]

    def rate(step):    # warm-up, level, then straight down
        return min(1.0, (step + 1) / 50, max(0.01, (1 - step / options.steps) / DECAY_SHARE))

    first = 0
    if options.resume and checkpoint.exists():
        state = torch.load(checkpoint)
        first = state["step"]
        model.load_state_dict(state["model"])
        for part, saved in zip(optimizers, state["parts"]):
            part.load_state_dict(saved)

    rng = random.Random(options.seed * 1000003 + first)
    short, long = (pack_rows(documents, n, rng) for n in (options.row_tokens, SHAPE["max_position_embeddings"]))
    unseen = pack_rows(held, options.row_tokens, random.Random(0))
    check = [next(unseen) for _ in range(32)]
    begin = time.time()
    for step in range(first, options.steps):
        last = step >= options.steps * (1 - LONG_SHARE)
        rows, row_tokens = (long, SHAPE["max_position_embeddings"]) if last else (short, options.row_tokens)
        loss = loss_of(model, [next(rows) for _ in range(options.batch_tokens // row_tokens)])
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for part, top in zip(optimizers, (options.muon_rate, options.adam_rate)):
            for group in part.param_groups:
                group["lr"] = top * rate(step)
            part.step()
        if (step + 1) % 100 == 0:
            rate_now = (step + 1 - first) * options.batch_tokens / (time.time() - begin)
            print(f"step {step + 1} loss {loss.item():.4f} {rate_now:.0f} tokens/s", flush=True)
        if (step + 1) % 250 == 0 or step + 1 == options.steps:
            with torch.no_grad():
                print(f"step {step + 1} loss on unseen conversations {loss_of(model, check).item():.4f}", flush=True)
            torch.save({"step": step + 1, "model": model.state_dict(),
                        "parts": [p.state_dict() for p in optimizers]}, checkpoint)
            export_model(model, options.work / "export")
    export_model(model, options.out)


if __name__ == "__main__":
    main()
