/* Private to arch_config*.c and arch_rope.c: the two readers and what they share. */
#ifndef QUIRE_ARCH_CONFIG_H
#define QUIRE_ARCH_CONFIG_H

#include "arch.h"
#include "model_file.h"

/* Bounds that no sane model exceeds; products of any two fit in 64 bits, and loops over them end. */
#define ARCH_LAYERS_MAX 4096u
#define ARCH_WIDTH_MAX (1u << 20) /* hidden, inner, head_dim */
#define ARCH_HEADS_MAX 65536u
#define ARCH_VOCAB_MAX (1u << 26)
#define ARCH_POSITIONS_MAX (1u << 30)

/* Both fill everything; arch_from_file checks what they have in common. */
QUIRE_NODISCARD enum quire_status arch_from_json(const struct model_file *file, uint32_t model_len_max,
                                                 struct arch *arch, struct quire_error *error);
QUIRE_NODISCARD enum quire_status arch_from_gguf(const struct model_file *file, uint32_t model_len_max,
                                                 struct arch *arch, struct quire_error *error);

/* What both readers hold the head counts to as soon as they know them. QUIRE_BAD_FILE. */
QUIRE_NODISCARD enum quire_status arch_check_heads(const struct arch *arch, const char *path,
                                                   struct quire_error *error);

/* ---- rotary positions -------------------------------------------------------------------------------------------- */

enum rope_scaling {
    ROPE_DEFAULT,
    ROPE_LINEAR,
    ROPE_DYNAMIC,
    ROPE_YARN,
    ROPE_LONGROPE,
    ROPE_LLAMA3,
    ROPE_PROPORTIONAL,
    ROPE_SCALING_COUNT
};

/* Where a field says NAN, that means unset. */
struct rope_spec {
    enum rope_scaling scaling;
    uint32_t head_dim, dims;
    double base;
    double factor;
    uint32_t position_max;        /* the configured context length */
    double original_position_max; /* before the scaling; NAN: position_max */
    uint32_t length;              /* total tokens, for scalings that depend on it */
    double attention_factor;      /* yarn, longrope; NAN: by the formula */
    double beta_fast, beta_slow, mscale, mscale_all_dim; /* yarn; NAN: unset */
    bool truncate;                                       /* yarn */
    double low_freq_factor, high_freq_factor;            /* llama3 */
    double partial;                                      /* proportional: share of the head that turns */
    const double *short_factor, *long_factor;            /* longrope: [dims / 2] */
};

const char *rope_scaling_name(enum rope_scaling scaling);
/* Computes the inverse frequencies as transformers' modeling_rope_utils does: the steps that it does in float32, in
 * float32. Allocates out->inverse_frequency. *position_max becomes the longest length that the scaling serves (at least
 * spec->position_max). QUIRE_BAD_FILE for parameters that give no finite frequencies. */
QUIRE_NODISCARD enum quire_status rope_compute(const struct rope_spec *spec, const char *path, struct arch_rope *out,
                                               uint32_t *position_max, struct quire_error *error);

#endif
