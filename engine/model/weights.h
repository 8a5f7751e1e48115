/* A model's weights in memory: read-only after weights_load, in one mapping that weights_unload frees. */
#ifndef QUIRE_WEIGHTS_H
#define QUIRE_WEIGHTS_H

#include "../kernels/matrix.h"
#include "../worker_pool.h"
#include "arch.h"

struct norm_weights {
    const float *weight, *bias; /* [count]; bias NULL where the model has none */
};

struct layer_weights {
    struct norm_weights attention_norm, ffn_norm;
    struct norm_weights query_norm, key_norm; /* weight NULL unless attention.qk_norm */
    struct matrix qkv;     /* outputs: query heads, then key heads, then value heads; rope pairing folded to halves */
    struct matrix out;
    struct matrix ffn_in;  /* gated: gate rows then up rows; else the one input matrix */
    struct matrix ffn_out;
};

struct weights {
    struct matrix embedding;        /* [vocab][hidden]; rows are looked up with matrix_row */
    const float *position_table;    /* [learned_count][hidden] f32, or NULL */
    struct norm_weights final_norm;
    struct matrix head;             /* equals `embedding` (same memory) when tied */
    struct layer_weights *layers;   /* [layer_count] */
    size_t bytes;                   /* of the mapping */
    unsigned char fingerprint[16];  /* of names, shapes, types and contents (a fast hash over all bytes read) */
    void *mapping;
};

struct model_file; /* an opened directory or GGUF file: names, types, shapes and places of tensors, and metadata */

/* `path`: a directory (config.json, model.safetensors or model.safetensors.index.json), a .gguf or a .safetensors file.
 * Parses headers only; sizes are checked against the file. */
QUIRE_NODISCARD enum quire_status model_file_open(const char *path, struct model_file **out, struct quire_error *error);
void model_file_close(struct model_file *file); /* NULL is allowed */

/* Fills `arch` from config.json or metadata. `model_len_max` (0: the model's own) fixes scalings that depend on the
 * total length (dynamic, longrope). */
QUIRE_NODISCARD enum quire_status arch_from_file(const struct model_file *file, uint32_t model_len_max,
                                                 struct arch *arch, struct quire_error *error);

/* Bytes that weights_load will reserve, known before anything is read (for the memory budget). */
QUIRE_NODISCARD enum quire_status weights_measure(const struct model_file *file, const struct arch *arch, size_t *bytes,
                                                  struct quire_error *error);

/* Reads every tensor (io_uring, several reads in flight; pread threads where it is refused), packs with the pool's
 * workers. Missing, surplus, misshapen and mistyped tensors are errors that name file, tensor and numbers. */
QUIRE_NODISCARD enum quire_status weights_load(const struct model_file *file, const struct arch *arch,
                                               struct worker_pool *pool,
                                               void (*progress)(void *context, uint64_t done, uint64_t total),
                                               void *progress_context, struct weights *out, struct quire_error *error);
void weights_unload(struct weights *weights);

#endif
