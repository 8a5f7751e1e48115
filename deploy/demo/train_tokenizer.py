"""Train the demo model's byte-level BPE on the generated text.

    python train_tokenizer.py --text /tmp/demo/text.txt --out model

Words with one blank before them, single digits, and runs of signs are never merged with each other; five special tokens
mark the turns of a chat. Writes tokenizer.json and tokenizer_config.json.
"""
import argparse
import itertools
import json
import pathlib
import re

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from make_text import WORDS

SPECIALS = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]    # ids 0 to 4
SPLIT = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"
WORD_COPIES = 300
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] | trim }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--text", required=True)
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "model")
    arguments.add_argument("--vocab", type=int, default=1536)
    arguments.add_argument("--lines", type=int, default=60000)
    options = arguments.parse_args()

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=options.vocab, special_tokens=SPECIALS, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    with open(options.text) as text:
        lines = list(itertools.islice(text, options.lines))
    # A word that begins an answer should be one token, as it is inside an answer, so the words count more often.
    plain = [re.sub(r"<\|\w+\|>", "\n", line) for line in lines]
    tokenizer.train_from_iterator(plain + WORD_COPIES * WORDS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<|begin|> $A", pair="<|begin|> $A $B",
                                                             special_tokens=[("<|begin|>", 0)])
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.out / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|begin|>", "eos_token": "<|end|>", "pad_token": "<|end|>",
        "additional_special_tokens": SPECIALS[2:],
        "add_bos_token": True, "add_eos_token": False, "clean_up_tokenization_spaces": False,
        "model_max_length": 512, "chat_template": CHAT_TEMPLATE,
    }
    (options.out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    sample = "What does --max-model-len 512 do?"
    print(tokenizer.get_vocab_size(), "tokens;", tokenizer.encode(sample).tokens)


if __name__ == "__main__":
    main()
