/* Rotary position embeddings (arXiv:2104.09864) and their scalings, all folded into inverse frequencies at load:
 *   linear (position interpolation, arXiv:2306.15595), dynamic (NTK-aware), yarn (arXiv:2309.00071), longrope
 *   (arXiv:2402.13753), llama3 (Llama 3.1's wavelength ramp), proportional.
 * The reference is transformers' modeling_rope_utils, which computes tensors in float32 and scalars in float64; so do
 * we. Any thread. */
#include "arch_config.h"

#include <math.h>
#include <stdlib.h>

static const char *const names[ROPE_SCALING_COUNT] = {
    [ROPE_DEFAULT] = "default", [ROPE_LINEAR] = "linear",   [ROPE_DYNAMIC] = "dynamic",           [ROPE_YARN] = "yarn",
    [ROPE_LONGROPE] = "longrope", [ROPE_LLAMA3] = "llama3", [ROPE_PROPORTIONAL] = "proportional",
};

const char *rope_scaling_name(enum rope_scaling scaling)
{
    return names[scaling];
}

static double or_else(double value, double otherwise)
{
    return isnan(value) ? otherwise : value;
}

/* base ^ (2 i / dims), each step rounded to float32. */
static float power(double base, uint32_t i, uint32_t dims)
{
    float exponent = (float)(2 * i) / (float)dims;

    return (float)pow((double)(float)base, (double)exponent);
}

static void compute_plain(const struct rope_spec *spec, double base, float divisor, float *out)
{
    for (uint32_t i = 0; i < spec->dims / 2; i++)
        out[i] = 1.0f / power(base, i, spec->dims) / divisor;
}

/* Stretches the base so that `length` tokens turn the slowest pair as far as position_max did. */
static void compute_dynamic(const struct rope_spec *spec, float *out)
{
    double length = spec->length > spec->position_max ? spec->length : spec->position_max;
    double dims = spec->dims;
    double stretch = spec->factor * length / spec->position_max - (spec->factor - 1);

    compute_plain(spec, spec->base * pow(stretch, dims / (dims - 2)), 1.0f, out);
}

/* The dimension that turns `rotations` times within `length` tokens. */
static double yarn_dimension(const struct rope_spec *spec, double rotations, double length)
{
    return spec->dims * log(length / (rotations * 2 * M_PI)) / (2 * log(spec->base));
}

static double yarn_mscale(double factor, double mscale)
{
    return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

/* Fast dimensions as they are, slow ones interpolated, a linear ramp between. Returns the attention factor. */
static double compute_yarn(const struct rope_spec *spec, float *out)
{
    double original = or_else(spec->original_position_max, spec->position_max);
    double factor = or_else(spec->factor, spec->position_max / original);
    double low = yarn_dimension(spec, or_else(spec->beta_fast, 32), original);
    double high = yarn_dimension(spec, or_else(spec->beta_slow, 1), original);
    bool both = or_else(spec->mscale, 0) != 0 && or_else(spec->mscale_all_dim, 0) != 0;

    if (spec->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, spec->dims - 1.0);
    if (low == high)
        high += 0.001;
    for (uint32_t i = 0; i < spec->dims / 2; i++) {
        float frequency = power(spec->base, i, spec->dims);
        float ramp = fminf(fmaxf(((float)i - (float)low) / (float)(high - low), 0.0f), 1.0f);
        float keep = 1.0f - ramp;

        out[i] = 1.0f / ((float)factor * frequency) * (1.0f - keep) + 1.0f / frequency * keep;
    }
    if (!isnan(spec->attention_factor))
        return spec->attention_factor;
    return both ? yarn_mscale(factor, spec->mscale) / yarn_mscale(factor, spec->mscale_all_dim)
                : yarn_mscale(factor, 1);
}

/* A divisor per dimension, one set for short lengths and one for long ones. Returns the attention factor. */
static double compute_longrope(const struct rope_spec *spec, float *out)
{
    double original = or_else(spec->original_position_max, spec->position_max);
    double factor = or_else(spec->factor, spec->position_max / original);
    const double *divisor = spec->length > original ? spec->long_factor : spec->short_factor;

    for (uint32_t i = 0; i < spec->dims / 2; i++)
        out[i] = 1.0f / ((float)divisor[i] * power(spec->base, i, spec->dims));
    if (!isnan(spec->attention_factor))
        return spec->attention_factor;
    return factor <= 1 ? 1 : sqrt(1 + log(factor) / log(original));
}

/* Wavelengths beyond the old context are divided, short ones kept, those between blended. */
static void compute_llama3(const struct rope_spec *spec, float *out)
{
    double original = or_else(spec->original_position_max, spec->position_max);
    float low_wavelength = (float)(original / spec->low_freq_factor);
    float high_wavelength = (float)(original / spec->high_freq_factor);
    float factor = (float)spec->factor;

    compute_plain(spec, spec->base, 1.0f, out);
    for (uint32_t i = 0; i < spec->dims / 2; i++) {
        float wavelength = (float)(2 * M_PI) / out[i];
        float smooth = ((float)original / wavelength - (float)spec->low_freq_factor) /
                       (float)(spec->high_freq_factor - spec->low_freq_factor);

        if (wavelength > low_wavelength)
            out[i] = out[i] / factor;
        else if (wavelength >= high_wavelength)
            out[i] = (1.0f - smooth) * out[i] / factor + smooth * out[i];
    }
}

/* Exponents by the whole head, though only a first part of it turns. */
static void compute_proportional(const struct rope_spec *spec, float *out)
{
    uint32_t turning = (uint32_t)floor(spec->partial * spec->head_dim / 2);

    for (uint32_t i = 0; i < spec->dims / 2; i++)
        out[i] = i < turning ? 1.0f / power(spec->base, i, spec->head_dim) / (float)or_else(spec->factor, 1) : 0.0f;
}

static uint32_t clamp_length(double length)
{
    return length >= ARCH_POSITIONS_MAX ? ARCH_POSITIONS_MAX : (uint32_t)length;
}

/* The longest length that the scaling was made for; where that is a matter of use (linear, dynamic), what was asked
 * for. */
static uint32_t reach(const struct rope_spec *spec)
{
    double configured = spec->position_max;

    switch (spec->scaling) {
    case ROPE_DYNAMIC:
        return spec->length > spec->position_max ? spec->length : spec->position_max;
    case ROPE_LINEAR:
        return clamp_length(fmax(configured, fmin(spec->length, configured * spec->factor)));
    case ROPE_YARN:
        return clamp_length(
            fmax(configured, or_else(spec->original_position_max, configured) * or_else(spec->factor, 1)));
    default:
        return spec->position_max;
    }
}

enum quire_status rope_compute(const struct rope_spec *spec, const char *path, struct arch_rope *out,
                               uint32_t *position_max, struct quire_error *error)
{
    float *frequency = calloc(spec->dims / 2 + 1, sizeof frequency[0]);
    double attention_factor = 1;

    if (frequency == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory for %u rotary frequencies", path, spec->dims / 2);
    switch (spec->scaling) {
    case ROPE_LINEAR: compute_plain(spec, spec->base, (float)spec->factor, frequency); break;
    case ROPE_DYNAMIC: compute_dynamic(spec, frequency); break;
    case ROPE_YARN: attention_factor = compute_yarn(spec, frequency); break;
    case ROPE_LONGROPE: attention_factor = compute_longrope(spec, frequency); break;
    case ROPE_LLAMA3: compute_llama3(spec, frequency); break;
    case ROPE_PROPORTIONAL: compute_proportional(spec, frequency); break;
    default: compute_plain(spec, spec->base, 1.0f, frequency); break;
    }
    for (uint32_t i = 0; i < spec->dims / 2; i++)
        if (!isfinite(frequency[i]) || frequency[i] < 0 || !isfinite(attention_factor) || attention_factor <= 0) {
            free(frequency);
            return quire_fail(error, QUIRE_BAD_FILE,
                              "%s: the parameters of the rope scaling \"%s\" give no finite frequency for pair %u",
                              path, names[spec->scaling], i);
        }
    *out = (struct arch_rope){.dims = spec->dims, .pairing = out->pairing, .attention_factor = (float)attention_factor,
                              .inverse_frequency = frequency};
    *position_max = reach(spec);
    return QUIRE_OK;
}
