#!/usr/bin/env python3
"""Makes quant_fixtures.bin: block rows and their values as the PyPI package `gguf` (0.19.0) decodes them, and
conversions of f32 to f16 and bf16 as numpy and torch round them. Run by hand: make_quant_fixtures.py OUT.

Little-endian, in this order: for Q8_0, Q4_0, Q6_K: ROWS rows of bytes, then [ROWS][INPUTS] f32 values; then COUNT f32
values, their f16 and their bf16 bits."""
import sys

import gguf
import numpy
import torch

ROWS, INPUTS, COUNT = 2, 512, 2048


def blocks(kind):
    random = numpy.random.default_rng(int(kind))
    values = random.normal(size=(ROWS, INPUTS)).astype(numpy.float32)
    if kind != gguf.GGMLQuantizationType.Q6_K:
        return gguf.quants.quantize(values, kind)
    # The package does not quantize to Q6_K: any bytes are a block, but the scale should be a number.
    raw = random.integers(0, 256, size=(ROWS, INPUTS // 256, 210), dtype=numpy.uint8)
    raw[:, :, 208:] = random.normal(size=(ROWS, INPUTS // 256, 1)).astype(numpy.float16).view(numpy.uint8)
    return raw.reshape(ROWS, -1)


def hard_floats():
    random = numpy.random.default_rng(7)
    bits = random.integers(0, 1 << 32, size=COUNT, dtype=numpy.uint64).astype(numpy.uint32)
    values = bits.view(numpy.float32).copy()
    values[numpy.isnan(values)] = 1.0
    values[: COUNT // 2] = random.normal(size=COUNT // 2) * 10.0 ** random.uniform(-9, 6, size=COUNT // 2)
    exact = [65519.99, 65520.0, 65504.0, 2.0**-24, 2.0**-25, 2.0**-25 * 1.0001, 2.0**-14, 2.0**-14 * (1 - 2.0**-11),
             0.0, -0.0, float("inf"), float("-inf"), 1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 3.4e38, 1e-45]
    values[: len(exact)] = exact
    return values


with open(sys.argv[1], "wb") as out:
    for name in ("Q8_0", "Q4_0", "Q6_K"):
        kind = gguf.GGMLQuantizationType[name]
        raw = blocks(kind)
        out.write(raw.tobytes())
        out.write(gguf.quants.dequantize(raw, kind).astype("<f4").tobytes())
    floats = hard_floats()
    out.write(floats.astype("<f4").tobytes())
    with numpy.errstate(over="ignore"):
        out.write(floats.astype("<f2").tobytes())
    out.write(torch.from_numpy(floats).to(torch.bfloat16).view(torch.int16).numpy().tobytes())
