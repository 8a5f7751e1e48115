#!/usr/bin/env python3
"""Makes tests/fixtures/models: tiny random models of every family, and what transformers says about them.

    python make_model_fixtures.py [NAME ...]      needs torch, transformers, safetensors, gguf, numpy

Each model is a folder NAME (config.json, model.safetensors) or a file NAME.gguf; NAME.golden.json holds cases of token
ids with, for every position, the log-probability of the next token and the five most probable ones, as transformers
computes them in float32 on the CPU from the very files that are committed. Sizes are odd on purpose: nothing is a
multiple of a vector or of a panel. `model_len_max` in a case is the total length that fixes scalings which depend on
it (dynamic, longrope).
"""
import json
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "models"
TOP = 5

LLAMA = dict(architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=83, hidden_size=28,
             intermediate_size=44, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=10,
             max_position_embeddings=64, rms_norm_eps=1e-5, hidden_act="silu", rope_theta=10000.0,
             tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, torch_dtype="float32")
ROPED = dict(LLAMA, num_hidden_layers=1, hidden_size=24, intermediate_size=36, head_dim=16, num_attention_heads=2,
             num_key_value_heads=1, vocab_size=53, tie_word_embeddings=True)
QWEN2 = dict(LLAMA, architectures=["Qwen2ForCausalLM"], model_type="qwen2", rms_norm_eps=1e-6, rope_theta=1000000.0,
             hidden_size=30, num_attention_heads=3, num_key_value_heads=1, use_sliding_window=False, sliding_window=16,
             max_window_layers=2, tie_word_embeddings=True)
del QWEN2["head_dim"]  # so it is hidden_size / num_attention_heads
GPT2 = dict(architectures=["GPT2LMHeadModel"], model_type="gpt2", vocab_size=83, n_embd=30, n_head=3, n_layer=2,
            n_inner=None, n_positions=72, n_ctx=72, activation_function="gelu_new", layer_norm_epsilon=1e-5,
            bos_token_id=1, eos_token_id=2, torch_dtype="float32")

# name: (config, lengths of the cases, extra)
MODELS = {
    # two pieces of 256 tokens, grouped queries, heads wider than hidden / heads
    "llama": (dict(LLAMA, max_position_embeddings=320), [300], {}),
    "llama-biased": (dict(LLAMA, attention_bias=True, mlp_bias=True, tie_word_embeddings=True), [61], {}),
    "llama-mha-bf16": (dict(LLAMA, num_key_value_heads=4, torch_dtype="bfloat16"), [61], dict(dtype=torch.bfloat16)),
    "llama-f16": (dict(LLAMA, head_dim=8, torch_dtype="float16"), [61], dict(dtype=torch.float16)),
    "llama-mqa-parameters": (  # transformers 5 writes rope_parameters instead of rope_theta and rope_scaling
        dict({k: v for k, v in ROPED.items() if k != "rope_theta"},
             rope_parameters=dict(rope_type="default", rope_theta=5000.0)), [61], {}),
    "rope-linear": (dict(ROPED, rope_scaling=dict(type="linear", factor=2.5)), [61], {}),
    "rope-dynamic": (dict(ROPED, max_position_embeddings=40, rope_scaling=dict(rope_type="dynamic", factor=2.0)),
                     [33, 75], {}),
    "rope-yarn": (dict(ROPED, max_position_embeddings=96,
                       rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=24,
                                         beta_fast=8, beta_slow=1)), [90], {}),
    "rope-longrope": (dict(ROPED, max_position_embeddings=128, original_max_position_embeddings=40,
                           rope_scaling=dict(rope_type="longrope", original_max_position_embeddings=40, factor=3.2,
                                             short_factor=[1.0, 1.1, 1.3, 1.5, 1.8, 2.0, 2.2, 2.5],
                                             long_factor=[1.0, 1.5, 2.0, 3.0, 4.5, 6.0, 8.0, 10.0])), [33, 75], {}),
    "rope-llama3": (dict(ROPED, max_position_embeddings=128,
                         rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                           original_max_position_embeddings=32)), [90], {}),
    "mistral": (dict(LLAMA, architectures=["MistralForCausalLM"], model_type="mistral", sliding_window=21,
                     max_position_embeddings=320), [300], {}),
    "qwen2": (QWEN2, [61], dict(shards=2)),
    "qwen2-window": (dict(QWEN2, use_sliding_window=True, max_window_layers=1, sliding_window=11), [61], {}),
    "qwen3": (dict(LLAMA, architectures=["Qwen3ForCausalLM"], model_type="qwen3", rms_norm_eps=1e-6,
                   rope_theta=1000000.0, attention_bias=False, head_dim=12), [61], {}),
    "gpt2": (GPT2, [61], dict(strip="transformer.")),
}


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1:
            is_scale = name.endswith("weight")  # norms; the rest are biases
            parameter.data = (1.0 if is_scale else 0.0) + 0.3 * noise
        elif "wpe" in name or "embed" in name or "wte" in name:
            parameter.data = 0.6 * noise
        else:
            parameter.data = 0.3 * noise


def golden(model, vocab_size, lengths, seed):
    cases = []
    for index, length in enumerate(lengths):
        generator = torch.Generator().manual_seed(seed * 1000 + index)
        ids = torch.randint(0, vocab_size, (1, length), generator=generator)
        with torch.no_grad():
            logprobs = torch.log_softmax(model(ids).logits[0].float(), dim=-1)
        top = torch.topk(logprobs, TOP, dim=-1)
        cases.append(dict(model_len_max=length, tokens=ids[0].tolist(),
                          logprobs=[round(float(logprobs[i, ids[0, i + 1]]), 6) for i in range(length - 1)],
                          top_ids=top.indices.tolist(),
                          top_logprobs=[[round(float(v), 6) for v in row] for row in top.values]))
    return cases


def write_golden(name, cases):
    lines = [json.dumps(case, separators=(",", ":")) for case in cases]
    (OUT / f"{name}.golden.json").write_text("[" + ",\n".join(lines) + "]\n")


def reference_model(folder):
    """A fresh model per call: the dynamic scalings keep state from the longest input seen."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def write_weights(folder, tensors, shards):
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)
    weight_map = {}
    for shard in range(shards):
        file_name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in names[shard::shards]}
        save_file(part, folder / file_name, metadata={"format": "pt"})
        weight_map |= {name: file_name for name in part}
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    index = dict(metadata=dict(total_size=total), weight_map=weight_map)
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1, sort_keys=True))


def make_folder(name, seed):
    config, lengths, extra = MODELS[name]
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")

    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), attn_implementation="eager")
    randomise(model, seed)
    model.tie_weights()
    tensors = {key: value.detach().to(extra.get("dtype", torch.float32)).contiguous().clone()
               for key, value in model.state_dict().items()}
    if config.get("tie_word_embeddings", config["model_type"] == "gpt2"):
        tensors.pop("lm_head.weight", None)
    prefix = extra.get("strip", "")
    tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    if config["model_type"] == "gpt2":  # the published files carry their causal masks
        size = config["n_positions"]
        for layer in range(config["n_layer"]):
            tensors[f"h.{layer}.attn.bias"] = torch.tril(torch.ones(1, 1, size, size))
    write_weights(folder, tensors, extra.get("shards", 1))

    cases = []
    for index, length in enumerate(lengths):
        cases += golden(reference_model(folder), config["vocab_size"], [length], seed * 10 + index)
    write_golden(name, cases)


# ---- GGUF ------------------------------------------------------------------------------------------------------------

LAYER_NAMES = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}
TOP_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
             "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}


def gguf_name(name):
    stem, _, leaf = name.rpartition(".")
    if stem in TOP_NAMES:
        return f"{TOP_NAMES[stem]}.{leaf}"
    parts = stem.removeprefix("model.layers.").removeprefix("h.").split(".", 1)
    return f"blk.{parts[0]}.{LAYER_NAMES[parts[1]]}.{leaf}"


def interleave(weight, heads):
    """Rows of each head from halves to interleaved pairs: llama's order in GGUF files."""
    pairs = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


def gguf_metadata(writer, config, arch):
    heads = config.get("num_attention_heads", config.get("n_head"))
    writer.add_context_length(config.get("max_position_embeddings", config.get("n_positions")))
    writer.add_embedding_length(config.get("hidden_size", config.get("n_embd")))
    writer.add_block_count(config.get("num_hidden_layers", config.get("n_layer")))
    writer.add_head_count(heads)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if arch == "gpt2":
        writer.add_feed_forward_length(4 * config["n_embd"])
        writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    else:
        writer.add_feed_forward_length(config["intermediate_size"])
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_head_count_kv(config["num_key_value_heads"])
        writer.add_rope_freq_base(config.get("rope_theta") or config["rope_parameters"]["rope_theta"])
        if "head_dim" in config:
            writer.add_key_length(config["head_dim"])
            writer.add_value_length(config["head_dim"])
            writer.add_rope_dimension_count(config["head_dim"])
    vocab = config["vocab_size"]
    writer.add_vocab_size(vocab)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{i}".encode() for i in range(vocab)])
    writer.add_token_types([1] * vocab)
    writer.add_token_merges(["t 0"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def convert_gguf(name, source, arch):
    """The weights of folder `source` as NAME.gguf; the folder's golden file holds for it too."""
    config = json.loads((OUT / source / "config.json").read_text())
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", arch)
    gguf_metadata(writer, config, arch)
    tensors = {}
    for path in sorted((OUT / source).glob("*.safetensors")):
        tensors |= load_file(path)
    for key, tensor in sorted(tensors.items()):
        if key.endswith("attn.bias") and tensor.ndim == 4:
            continue
        array = tensor.float().numpy()
        if arch == "gpt2" and array.ndim == 2 and ".c_" in key:
            array = array.T
        if arch == "llama" and ("q_proj" in key or "k_proj" in key):
            array = interleave(array, config["num_attention_heads" if "q_proj" in key else "num_key_value_heads"])
        if tensor.dtype == torch.bfloat16 and array.ndim == 2:
            raw = gguf.quants.quantize(array, gguf.GGMLQuantizationType.BF16)
            writer.add_tensor(gguf_name(key), raw, raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            writer.add_tensor(gguf_name(key), np.ascontiguousarray(
                array.astype(np.float16) if tensor.dtype == torch.float16 and array.ndim == 2 else array))
    if (config.get("rope_scaling") or {}).get("rope_type") == "llama3":
        model = reference_model(OUT / source)
        scaled = model.model.rotary_emb.inv_freq.double().numpy()
        dims = config["head_dim"]
        plain = config["rope_theta"] ** (-np.arange(0, dims, 2, dtype=np.float64) / dims)
        writer.add_tensor("rope_freqs.weight", (plain / scaled).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def random_q6_k(rows, columns, rng):
    """Random Q6_K blocks: 128 bytes of low and 64 of high bits, 16 int8 scales, an f16 factor."""
    count = rows * columns // 256
    blocks = np.empty((count, 210), np.uint8)
    blocks[:, :192] = rng.integers(0, 256, (count, 192), np.uint8)
    blocks[:, 192:208] = rng.integers(-60, 61, (count, 16)).astype(np.int8).view(np.uint8)
    blocks[:, 208:] = (rng.uniform(2e-4, 6e-4, (count, 1)).astype(np.float16)).view(np.uint8)
    return blocks.reshape(rows, columns // 256 * 210)


def make_quantized(name, seed):
    """Q4_0, Q8_0 and Q6_K in one llama; the reference runs on the decoded weights."""
    config = dict(LLAMA, hidden_size=256, intermediate_size=64, num_hidden_layers=1, head_dim=32, num_attention_heads=2,
                  num_key_value_heads=1, vocab_size=43, tie_word_embeddings=True)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config), attn_implementation="eager").eval()
    randomise(model, seed)
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", "llama")
    gguf_metadata(writer, config, "llama")
    state = model.state_dict()
    for key, tensor in sorted(state.items()):
        if key == "lm_head.weight":
            continue
        array = tensor.float().numpy()
        heads = config["num_attention_heads" if "q_proj" in key else "num_key_value_heads"]
        if array.ndim == 1:
            writer.add_tensor(gguf_name(key), array)
            continue
        if "embed_tokens" in key:
            kind, raw = gguf.GGMLQuantizationType.Q6_K, random_q6_k(*array.shape, rng)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0 if "mlp" in key else gguf.GGMLQuantizationType.Q4_0
            raw = gguf.quants.quantize(0.4 * array, kind)
        decoded = torch.from_numpy(np.array(gguf.quants.dequantize(raw, kind), np.float32))
        tensor.copy_(decoded)
        if "q_proj" in key or "k_proj" in key:  # whole rows move, so their blocks do
            raw = interleave(raw, heads)
        writer.add_tensor(gguf_name(key), raw, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model.tie_weights()
    write_golden(name, golden(model, config["vocab_size"], [61], seed * 10))


GGUF_MODELS = {  # name: (folder, architecture)
    "llama-gguf": ("llama", "llama"),
    "qwen2-gguf": ("qwen2", "qwen2"),
    "gpt2-gguf": ("gpt2", "gpt2"),
    "llama-bf16-gguf": ("llama-mha-bf16", "llama"),
    "rope-llama3-gguf": ("rope-llama3", "llama"),
}


def main():
    wanted = set(sys.argv[1:])
    OUT.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(MODELS, start=1):
        if not wanted or name in wanted:
            make_folder(name, seed)
    for name, (source, arch) in GGUF_MODELS.items():
        if not wanted or name in wanted:
            convert_gguf(name, source, arch)
    if not wanted or "llama-quantized" in wanted:
        make_quantized("llama-quantized", 77)


if __name__ == "__main__":
    main()
