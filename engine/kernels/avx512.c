/* The AVX-512 row (F, BW, DQ, VL): sixteen lanes are one register. Compiled with its own -m flags; exports one
 * table. */
#include "kernels.h"

#include <immintrin.h>
#include <math.h>

#define INLINE static inline __attribute__((always_inline))
/* Thirty-two registers: twelve rows of 32 outputs keep 24 sums, two weights and some inputs in them. */
#ifndef TILE_ROWS_MAX /* sanitized builds make fewer instances */
#define TILE_ROWS_MAX 12u
#endif
#define TILE_HALVES(rows) 2u
#define BURN_CHAINS 12u

struct vec {
    __m512 all;
};

#define VEC(expression) ((struct vec){expression})

INLINE struct vec vec_set(float x)
{
    return VEC(_mm512_set1_ps(x));
}

INLINE struct vec vec_load(const float *p)
{
    return VEC(_mm512_loadu_ps(p));
}

INLINE __mmask16 lanes_below(uint32_t count)
{
    return (__mmask16)((1u << count) - 1u);
}

INLINE struct vec vec_load_part(const float *p, uint32_t count)
{
    return VEC(_mm512_maskz_loadu_ps(lanes_below(count), p));
}

INLINE void vec_store(float *p, struct vec v)
{
    _mm512_storeu_ps(p, v.all);
}

INLINE void vec_store_part(float *p, struct vec v, uint32_t count)
{
    _mm512_mask_storeu_ps(p, lanes_below(count), v.all);
}

INLINE struct vec vec_add(struct vec a, struct vec b)
{
    return VEC(_mm512_add_ps(a.all, b.all));
}

INLINE struct vec vec_sub(struct vec a, struct vec b)
{
    return VEC(_mm512_sub_ps(a.all, b.all));
}

INLINE struct vec vec_mul(struct vec a, struct vec b)
{
    return VEC(_mm512_mul_ps(a.all, b.all));
}

INLINE struct vec vec_div(struct vec a, struct vec b)
{
    return VEC(_mm512_div_ps(a.all, b.all));
}

INLINE struct vec vec_max(struct vec a, struct vec b)
{
    return VEC(_mm512_max_ps(a.all, b.all));
}

INLINE struct vec vec_min(struct vec a, struct vec b)
{
    return VEC(_mm512_min_ps(a.all, b.all));
}

INLINE struct vec vec_fma(struct vec a, struct vec b, struct vec c)
{
    return VEC(_mm512_fmadd_ps(a.all, b.all, c.all));
}

INLINE struct vec vec_select_less(struct vec a, struct vec b, struct vec yes, struct vec no)
{
    return VEC(_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.all, b.all, _CMP_LT_OQ), no.all, yes.all));
}

INLINE struct vec vec_keep_nan(struct vec x, struct vec y)
{
    return VEC(_mm512_mask_blend_ps(_mm512_cmp_ps_mask(x.all, x.all, _CMP_UNORD_Q), y.all, x.all));
}

INLINE struct vec vec_abs(struct vec x)
{
    return VEC(_mm512_andnot_ps(_mm512_set1_ps(-0.0f), x.all));
}

INLINE struct vec vec_copy_sign(struct vec x, struct vec s)
{
    __m512 sign = _mm512_set1_ps(-0.0f);
    return VEC(_mm512_or_ps(_mm512_andnot_ps(sign, x.all), _mm512_and_ps(sign, s.all)));
}

INLINE struct vec vec_scale_power2(struct vec p, struct vec shifted)
{
    __m512i power = _mm512_slli_epi32(_mm512_castps_si512(shifted.all), 23);
    return VEC(_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p.all), power)));
}

INLINE struct vec vec_only(struct vec x, uint32_t first, uint32_t end)
{
    __mmask16 inside = (__mmask16)(lanes_below(end) & ~lanes_below(first));
    return VEC(_mm512_mask_blend_ps(inside, _mm512_set1_ps(-INFINITY), x.all));
}

INLINE float vec_fold_add(struct vec x)
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x.all), _mm512_extractf32x8_ps(x.all, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINE float vec_fold_max(struct vec x)
{
    __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x.all), _mm512_extractf32x8_ps(x.all, 1));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

INLINE struct vec vec_widen_f16(const void *p)
{
    return VEC(_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)));
}

INLINE struct vec vec_widen_bf16(const void *p, uint32_t half)
{
    __m512i pairs = _mm512_loadu_si512(p);
    return VEC(_mm512_castsi512_ps(half == 0 ? _mm512_slli_epi32(pairs, 16)
                                             : _mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000u))));
}

INLINE struct vec vec_widen_i8(const void *p)
{
    return VEC(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p))));
}

#define KERNELS_TABLE kernels_avx512
#define KERNELS_NAME "avx512"
#include "table.inc"
