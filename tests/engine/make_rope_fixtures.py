#!/usr/bin/env python3
"""Makes tests/fixtures/rope.json: rotary frequencies of LLaMA configurations, as transformers computes them.

    python make_rope_fixtures.py      needs torch, transformers

Each case is a config.json, the total length in tokens (0: the model's own) and what transformers' LlamaRotaryEmbedding
holds after it has seen that many positions: float32 inverse frequencies and the factor on cos and sin.
"""
import json
from pathlib import Path

import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "rope.json"
BASE = dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=32, hidden_size=64, intermediate_size=64,
            num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, rms_norm_eps=1e-5, hidden_act="silu",
            max_position_embeddings=4096)
SHORT = [1.0 + 0.01 * i for i in range(16)]
LONG = [1.0 + 0.37 * i for i in range(16)]


def old(scaling, length=0, **more):
    return dict(BASE, rope_scaling=scaling, **more), length


def new(parameters, length=0, **more):
    return dict(BASE, rope_parameters=parameters, **more), length


CASES = {
    "default": (dict(BASE), 0),
    "theta": (dict(BASE, rope_theta=500000.0), 0),
    "theta-in-parameters": new(dict(rope_type="default", rope_theta=1000000.0)),
    "theta-in-both": new(dict(rope_type="default", rope_theta=1000000.0), rope_theta=20000.0),
    "default-odd-head": (dict(BASE, head_dim=10), 0),
    "linear": old(dict(type="linear", factor=4.0)),
    "linear-new": new(dict(rope_type="linear", factor=3, rope_theta=12345.0)),
    "scaling-beats-parameters": (dict(BASE, rope_scaling=dict(type="linear", factor=2.0),
                                      rope_parameters=dict(rope_type="linear", factor=8.0)), 0),
    "dynamic-within": old(dict(type="dynamic", factor=2.0)),
    "dynamic-shorter": old(dict(type="dynamic", factor=2.0), 100),
    "dynamic-beyond": old(dict(type="dynamic", factor=2.0), 7000),
    "dynamic-far": old(dict(rope_type="dynamic", factor=8.0), 30000, rope_theta=1000000.0),
    "yarn": old(dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=1024)),
    "yarn-qwen": old(dict(type="yarn", factor=4.0, original_max_position_embeddings=32768),
                     max_position_embeddings=32768, rope_theta=1000000.0, head_dim=128),
    "yarn-no-original": old(dict(rope_type="yarn", factor=16.0)),
    "yarn-betas": old(dict(rope_type="yarn", factor=40, original_max_position_embeddings=1024, beta_fast=16,
                           beta_slow=2)),
    "yarn-mscale": old(dict(rope_type="yarn", factor=40, original_max_position_embeddings=1024, mscale=1.0,
                            mscale_all_dim=0.707)),
    "yarn-mscale-alone": old(dict(rope_type="yarn", factor=40, original_max_position_embeddings=1024, mscale=0.5)),
    "yarn-attention-factor": old(dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=512,
                                      attention_factor=1.25)),
    "yarn-not-truncated": old(dict(rope_type="yarn", factor=32.0, original_max_position_embeddings=256, truncate=False,
                                   beta_fast=32.0, beta_slow=1.0)),
    "yarn-narrow-ramp": old(dict(rope_type="yarn", factor=2.0, original_max_position_embeddings=64, beta_fast=1.0,
                                 beta_slow=1.0, truncate=False)),
    "longrope-short": old(dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG,
                               original_max_position_embeddings=2048), 2048),
    "longrope-long": old(dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG,
                              original_max_position_embeddings=2048), 2049),
    "longrope-own-length": old(dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG,
                                    original_max_position_embeddings=2048)),
    "longrope-top-level-original": old(dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG, factor=3.0),
                                       4000, original_max_position_embeddings=1000),
    "longrope-attention-factor": old(dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG,
                                          original_max_position_embeddings=1024, attention_factor=1.5), 3000),
    "llama3": old(dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                       original_max_position_embeddings=8192),
                  max_position_embeddings=131072, rope_theta=500000.0, head_dim=128),
    "llama3.2": new(dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                         original_max_position_embeddings=8192, rope_theta=500000.0),
                    max_position_embeddings=131072, head_dim=64),
    "proportional": new(dict(rope_type="proportional", rope_theta=1000000.0, partial_rotary_factor=0.25)),
    "proportional-factor": new(dict(rope_type="proportional", factor=8.0, partial_rotary_factor=0.5), head_dim=24),
}


def reference(config, length):
    rotary = LlamaRotaryEmbedding(LlamaConfig(**json.loads(json.dumps(config))))
    positions = torch.arange(length or config["max_position_embeddings"])[None]
    rotary(torch.zeros(1, 1, 1), positions)
    return [float(f) for f in rotary.inv_freq], float(rotary.attention_scaling)


def main():
    lines = []
    for name, (config, length) in CASES.items():
        frequencies, factor = reference(config, length)
        case = dict(name=name, config=config, model_len_max=length, attention_factor=factor,
                    inverse_frequency=frequencies)
        lines.append(json.dumps(case, separators=(",", ":")))
    OUT.write_text("[" + ",\n".join(lines) + "]\n")


if __name__ == "__main__":
    main()
