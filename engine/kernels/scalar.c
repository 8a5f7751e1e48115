/* The scalar row of the kernel table: sixteen lanes as an array, fused multiply-add from the C library. It runs
 * anywhere and is what the other rows are compared with bit by bit; its speed does not matter. */
#include "kernels.h"

#include <math.h>
#include <string.h>

#define INLINE static inline /* the compiler may call: copies of loops over lanes would make a large file */
#define TILE_ROWS_MAX 1u
#define TILE_HALVES(rows) 1u
#define BURN_CHAINS 1u

struct vec {
    float lane[16];
};

#define EACH_LANE for (uint32_t i = 0; i < 16; i++)

INLINE struct vec vec_set(float x)
{
    struct vec v;
    EACH_LANE v.lane[i] = x;
    return v;
}

INLINE struct vec vec_load(const float *p)
{
    struct vec v;
    memcpy(v.lane, p, sizeof v.lane);
    return v;
}

INLINE struct vec vec_load_part(const float *p, uint32_t count)
{
    struct vec v = vec_set(0.0f);
    for (uint32_t i = 0; i < count; i++)
        v.lane[i] = p[i];
    return v;
}

INLINE void vec_store(float *p, struct vec v)
{
    memcpy(p, v.lane, sizeof v.lane);
}

INLINE void vec_store_part(float *p, struct vec v, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        p[i] = v.lane[i];
}

INLINE struct vec vec_add(struct vec a, struct vec b)
{
    EACH_LANE a.lane[i] += b.lane[i];
    return a;
}

INLINE struct vec vec_sub(struct vec a, struct vec b)
{
    EACH_LANE a.lane[i] -= b.lane[i];
    return a;
}

INLINE struct vec vec_mul(struct vec a, struct vec b)
{
    EACH_LANE a.lane[i] *= b.lane[i];
    return a;
}

INLINE struct vec vec_div(struct vec a, struct vec b)
{
    EACH_LANE a.lane[i] /= b.lane[i];
    return a;
}

/* a > b ? a : b, as the processor's instruction: b where either is not a number. */
INLINE struct vec vec_max(struct vec a, struct vec b)
{
    EACH_LANE a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
    return a;
}

INLINE struct vec vec_min(struct vec a, struct vec b)
{
    EACH_LANE a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
    return a;
}

/* a * b + c, rounded once. */
INLINE struct vec vec_fma(struct vec a, struct vec b, struct vec c)
{
    EACH_LANE c.lane[i] = fmaf(a.lane[i], b.lane[i], c.lane[i]);
    return c;
}

/* a < b ? yes : no; no where either is not a number. */
INLINE struct vec vec_select_less(struct vec a, struct vec b, struct vec yes, struct vec no)
{
    EACH_LANE no.lane[i] = a.lane[i] < b.lane[i] ? yes.lane[i] : no.lane[i];
    return no;
}

/* x where x is not a number, else y. */
INLINE struct vec vec_keep_nan(struct vec x, struct vec y)
{
    EACH_LANE y.lane[i] = isnan(x.lane[i]) ? x.lane[i] : y.lane[i];
    return y;
}

INLINE struct vec vec_abs(struct vec x)
{
    EACH_LANE x.lane[i] = fabsf(x.lane[i]);
    return x;
}

/* |x| with the sign of s. */
INLINE struct vec vec_copy_sign(struct vec x, struct vec s)
{
    EACH_LANE x.lane[i] = copysignf(x.lane[i], s.lane[i]);
    return x;
}

/* p * 2^n for normal p and result, where n is in the low bits of `shifted` (1.5 * 2^23 + n). */
INLINE struct vec vec_scale_power2(struct vec p, struct vec shifted)
{
    EACH_LANE {
        uint32_t bits, power;
        memcpy(&bits, &p.lane[i], sizeof bits);
        memcpy(&power, &shifted.lane[i], sizeof power);
        bits += power << 23;
        memcpy(&p.lane[i], &bits, sizeof bits);
    }
    return p;
}

/* Lanes first <= i < end of x; -INFINITY elsewhere. */
INLINE struct vec vec_only(struct vec x, uint32_t first, uint32_t end)
{
    EACH_LANE x.lane[i] = i >= first && i < end ? x.lane[i] : -INFINITY;
    return x;
}

INLINE float vec_fold_add(struct vec x)
{
    for (uint32_t width = 8; width != 0; width /= 2)
        for (uint32_t i = 0; i < width; i++)
            x.lane[i] = x.lane[i] + x.lane[i + width];
    return x.lane[0];
}

INLINE float vec_fold_max(struct vec x)
{
    for (uint32_t width = 8; width != 0; width /= 2)
        for (uint32_t i = 0; i < width; i++)
            x.lane[i] = x.lane[i] > x.lane[i + width] ? x.lane[i] : x.lane[i + width];
    return x.lane[0];
}

INLINE struct vec vec_widen_f16(const void *p)
{
    struct vec v;
    row_decode(ROW_F16, p, 16, v.lane);
    return v;
}

/* The low (half 0) or high (half 1) sixteen bits of sixteen dwords as bf16. */
INLINE struct vec vec_widen_bf16(const void *p, uint32_t half)
{
    struct vec v;
    EACH_LANE {
        uint32_t bits;
        memcpy(&bits, (const char *)p + 4 * i, sizeof bits);
        bits = half == 0 ? bits << 16 : bits & 0xffff0000u;
        memcpy(&v.lane[i], &bits, sizeof bits);
    }
    return v;
}

INLINE struct vec vec_widen_i8(const void *p)
{
    struct vec v;
    EACH_LANE v.lane[i] = (float)((const int8_t *)p)[i];
    return v;
}

#define KERNELS_TABLE kernels_scalar
#define KERNELS_NAME "scalar"
#include "table.inc"
