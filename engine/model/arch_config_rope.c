/* Reads rotary parameters from config.json, in the form of transformers 5 (`rope_parameters`) or the older one
 * (`rope_theta` and `rope_scaling`), with the precedence that transformers gives them. Any thread. */
#include "arch_config_json.h"

#include "../container/quote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define THETA_DEFAULT 10000.0

/* Every key that a scaling knows; another one would change the mathematics in a way that we do not know. */
static const char *const known_keys[] = {
    "rope_type", "type", "rope_theta", "factor", "original_max_position_embeddings", "attention_factor", "beta_fast",
    "beta_slow", "mscale", "mscale_all_dim", "truncate", "short_factor", "long_factor", "low_freq_factor",
    "high_freq_factor", "partial_rotary_factor", "finetuned",
};

static void refuse_unknown_keys(struct config *rope)
{
    const char *key;
    json_t *value;
    struct quote quote;

    json_object_foreach((json_t *)rope->json, key, value) {
        bool known = json_is_null(value);

        for (size_t i = 0; i < sizeof known_keys / sizeof known_keys[0]; i++)
            known |= strcmp(known_keys[i], key) == 0;
        if (!known)
            config_fail(rope, QUIRE_UNSUPPORTED, "the rope parameter %s%s is not supported", rope->within,
                        quote_name(&quote, key, strlen(key)));
    }
}

static enum rope_scaling read_scaling(struct config *rope)
{
    const char *name = config_string(rope, "rope_type", config_string(rope, "type", "default"));
    struct quote quote;

    for (int i = 0; i < ROPE_SCALING_COUNT; i++)
        if (strcmp(name, rope_scaling_name((enum rope_scaling)i)) == 0)
            return (enum rope_scaling)i;
    config_fail(rope, QUIRE_UNSUPPORTED, "the rope scaling \"%s\" is not supported",
                quote_name(&quote, name, strlen(name)));
    return ROPE_DEFAULT;
}

/* A positive number; NAN where absent, which is a failure if the scaling cannot do without. */
static double read_positive(struct config *rope, const char *key, bool required, enum rope_scaling scaling)
{
    double value = config_number(rope, key, NAN);

    if (isnan(value) && required)
        config_fail(rope, QUIRE_BAD_FILE, "%s%s is missing, which the rope scaling \"%s\" needs", rope->within, key,
                    rope_scaling_name(scaling));
    else if (!isnan(value) && !(value > 0 && value < 1e18))
        config_fail(rope, QUIRE_BAD_FILE, "%s%s is %g, not a positive number", rope->within, key, value);
    return value;
}

/* One divisor per pair, for longrope. The caller frees it; NULL after a failure. */
static double *read_divisors(struct config *rope, const char *key, uint32_t count)
{
    const json_t *list = config_array(rope, key);
    double *divisors = calloc(count + 1, sizeof divisors[0]);

    if (divisors == NULL)
        config_fail(rope, QUIRE_NO_MEMORY, "no memory for %u factors", count);
    else if (json_array_size(list) != count)
        config_fail(rope, QUIRE_BAD_FILE, "%s%s has %zu entries, not %u, half of the head's width", rope->within, key,
                    json_array_size(list), count);
    for (uint32_t i = 0; rope->status == QUIRE_OK && i < count; i++) {
        const json_t *entry = json_array_get(list, i);

        divisors[i] = json_number_value(entry);
        if (!json_is_number(entry) || !(divisors[i] > 0))
            config_fail(rope, QUIRE_BAD_FILE, "%s%s[%u] is not a positive number", rope->within, key, i);
    }
    return divisors;
}

/* Transformers lets a top-level original length win, then the one among the rope parameters. */
static double read_original(struct config *top, struct config *rope, enum rope_scaling scaling)
{
    double original = read_positive(top, "original_max_position_embeddings", false, scaling);

    return isnan(original) ? read_positive(rope, "original_max_position_embeddings", false, scaling) : original;
}

/* Only "proportional" turns a part of the head; for the others a partial factor is what the reference cannot run
 * either. */
static double read_partial(struct config *top, struct config *rope, enum rope_scaling scaling)
{
    double partial = config_number(rope, "partial_rotary_factor", config_number(top, "partial_rotary_factor", 1));

    if (partial != 1 && scaling != ROPE_PROPORTIONAL)
        config_fail(rope, QUIRE_UNSUPPORTED, "partial_rotary_factor %g is not supported with the rope scaling \"%s\"",
                    partial, rope_scaling_name(scaling));
    if (!(partial > 0 && partial <= 1))
        config_fail(rope, QUIRE_BAD_FILE, "partial_rotary_factor is %g, not above 0 and up to 1", partial);
    return partial;
}

static void read_spec(struct config *top, struct config *rope, struct rope_spec *spec)
{
    enum rope_scaling scaling = read_scaling(rope);
    bool needs_factor = scaling == ROPE_LINEAR || scaling == ROPE_DYNAMIC || scaling == ROPE_LLAMA3;
    bool is_llama3 = scaling == ROPE_LLAMA3;

    spec->scaling = scaling;
    spec->base = config_number(rope, "rope_theta", config_number(top, "rope_theta", THETA_DEFAULT));
    if (rope->status == QUIRE_OK && !(spec->base > 1 && spec->base < 1e18))
        config_fail(rope, QUIRE_BAD_FILE, "rope_theta is %g, not a number above 1", spec->base);
    spec->factor = read_positive(rope, "factor", needs_factor, scaling);
    spec->original_position_max = read_original(top, rope, scaling);
    spec->attention_factor = read_positive(rope, "attention_factor", false, scaling);
    /* 0 means unset, as `or` has it in the reference */
    spec->beta_fast = config_number(rope, "beta_fast", 0) == 0 ? NAN : read_positive(rope, "beta_fast", false, scaling);
    spec->beta_slow = config_number(rope, "beta_slow", 0) == 0 ? NAN : read_positive(rope, "beta_slow", false, scaling);
    spec->mscale = config_number(rope, "mscale", NAN);
    spec->mscale_all_dim = config_number(rope, "mscale_all_dim", NAN);
    spec->truncate = config_bool(rope, "truncate", true);
    spec->low_freq_factor = read_positive(rope, "low_freq_factor", is_llama3, scaling);
    spec->high_freq_factor = read_positive(rope, "high_freq_factor", is_llama3, scaling);
    spec->partial = read_partial(top, rope, scaling);
    if (is_llama3 && rope->status == QUIRE_OK && spec->high_freq_factor <= spec->low_freq_factor)
        config_fail(rope, QUIRE_BAD_FILE, "%shigh_freq_factor is %g, not above low_freq_factor, which is %g",
                    rope->within, spec->high_freq_factor, spec->low_freq_factor);
}

void arch_read_rope(struct config *top, uint32_t model_len_max, struct arch *arch)
{
    const char *within = "rope_scaling.";
    const json_t *parameters = config_object(top, "rope_scaling");
    json_t *none = json_object();
    double *short_factor = NULL, *long_factor = NULL;

    if (json_object_size(parameters) == 0) {
        parameters = config_object(top, "rope_parameters");
        within = "rope_parameters.";
    }
    struct config rope = {parameters != NULL ? parameters : none, top->path, within, top->status, top->error};
    struct rope_spec spec = {.head_dim = arch->attention.head_dim, .dims = arch->attention.head_dim,
                             .position_max = arch->position_max,
                             .length = model_len_max != 0 ? model_len_max : arch->position_max};

    refuse_unknown_keys(&rope);
    read_spec(top, &rope, &spec);
    if (spec.scaling == ROPE_LONGROPE) {
        spec.short_factor = short_factor = read_divisors(&rope, "short_factor", spec.dims / 2);
        spec.long_factor = long_factor = read_divisors(&rope, "long_factor", spec.dims / 2);
    }
    if (top->status == QUIRE_OK)
        top->status = rope.status;
    arch->position.rope.pairing = ROPE_HALVES;
    if (top->status == QUIRE_OK)
        top->status = rope_compute(&spec, top->path, &arch->position.rope, &arch->position_max, top->error);
    free(short_factor);
    free(long_factor);
    json_decref(none);
}
