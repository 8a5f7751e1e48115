/* Synthetic LLaMA models for the loader's tests: every weight is a small integer that its place determines, so that
 * what was loaded can be compared with the definition, whatever container and element type it went through. */
#ifndef QUIRE_LOADER_MODEL_H
#define QUIRE_LOADER_MODEL_H

#include "model/arch.h"
#include "model/weights.h"

struct synthetic {
    uint32_t hidden, layers, query_heads, kv_heads, head_dim, inner, vocab;
    bool tied, qkv_bias;
    enum row_type type;    /* of matrices: ROW_F32, ROW_F16 or ROW_BF16, which hold the integers exactly */
    enum row_type up_type; /* of the up projection, fused with the gate */
};

/* Writes it to the scratch directory: a Hugging Face directory, or a GGUF file with queries and keys interleaved. */
void synthetic_write_directory(const struct synthetic *model, const char *name);
void synthetic_write_gguf(const struct synthetic *model, const char *name);

/* Compares every weight that was loaded with its definition; stops the test at the first difference. */
void synthetic_check(const struct synthetic *model, const struct weights *weights);

#endif
