/* The AVX2 row (with FMA and F16C): sixteen lanes as two registers. Compiled with its own -m flags; exports one
 * table. */
#include "kernels.h"

#include <immintrin.h>
#include <math.h>

#define INLINE static inline __attribute__((always_inline))
/* Sixteen registers: six rows of sixteen outputs keep twelve sums, two weights and an input in them. */
#ifndef TILE_ROWS_MAX /* sanitized builds make fewer instances */
#define TILE_ROWS_MAX 6u
#endif
#define TILE_HALVES(rows) ((rows) < 3u ? 2u : 1u)
#define BURN_CHAINS 6u

struct vec {
    __m256 low, high;
};

#define EACH_HALF(expression_low, expression_high) ((struct vec){expression_low, expression_high})

INLINE struct vec vec_set(float x)
{
    return EACH_HALF(_mm256_set1_ps(x), _mm256_set1_ps(x));
}

INLINE struct vec vec_load(const float *p)
{
    return EACH_HALF(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}

/* All ones in the lanes below `count`, of the eight from lane `first` on. */
INLINE __m256i lanes_below(uint32_t count, int first)
{
    __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lane);
}

INLINE struct vec vec_load_part(const float *p, uint32_t count)
{
    return EACH_HALF(_mm256_maskload_ps(p, lanes_below(count, 0)), _mm256_maskload_ps(p + 8, lanes_below(count, 8)));
}

INLINE void vec_store(float *p, struct vec v)
{
    _mm256_storeu_ps(p, v.low);
    _mm256_storeu_ps(p + 8, v.high);
}

INLINE void vec_store_part(float *p, struct vec v, uint32_t count)
{
    _mm256_maskstore_ps(p, lanes_below(count, 0), v.low);
    _mm256_maskstore_ps(p + 8, lanes_below(count, 8), v.high);
}

INLINE struct vec vec_add(struct vec a, struct vec b)
{
    return EACH_HALF(_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high));
}

INLINE struct vec vec_sub(struct vec a, struct vec b)
{
    return EACH_HALF(_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high));
}

INLINE struct vec vec_mul(struct vec a, struct vec b)
{
    return EACH_HALF(_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high));
}

INLINE struct vec vec_div(struct vec a, struct vec b)
{
    return EACH_HALF(_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high));
}

INLINE struct vec vec_max(struct vec a, struct vec b)
{
    return EACH_HALF(_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high));
}

INLINE struct vec vec_min(struct vec a, struct vec b)
{
    return EACH_HALF(_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high));
}

INLINE struct vec vec_fma(struct vec a, struct vec b, struct vec c)
{
    return EACH_HALF(_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high));
}

INLINE struct vec vec_select_less(struct vec a, struct vec b, struct vec yes, struct vec no)
{
    return EACH_HALF(_mm256_blendv_ps(no.low, yes.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
                     _mm256_blendv_ps(no.high, yes.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ)));
}

INLINE struct vec vec_keep_nan(struct vec x, struct vec y)
{
    return EACH_HALF(_mm256_blendv_ps(y.low, x.low, _mm256_cmp_ps(x.low, x.low, _CMP_UNORD_Q)),
                     _mm256_blendv_ps(y.high, x.high, _mm256_cmp_ps(x.high, x.high, _CMP_UNORD_Q)));
}

INLINE struct vec vec_abs(struct vec x)
{
    __m256 sign = _mm256_set1_ps(-0.0f);
    return EACH_HALF(_mm256_andnot_ps(sign, x.low), _mm256_andnot_ps(sign, x.high));
}

INLINE struct vec vec_copy_sign(struct vec x, struct vec s)
{
    __m256 sign = _mm256_set1_ps(-0.0f);
    return EACH_HALF(_mm256_or_ps(_mm256_andnot_ps(sign, x.low), _mm256_and_ps(sign, s.low)),
                     _mm256_or_ps(_mm256_andnot_ps(sign, x.high), _mm256_and_ps(sign, s.high)));
}

INLINE __m256 scale_power2_half(__m256 p, __m256 shifted)
{
    __m256i power = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power));
}

INLINE struct vec vec_scale_power2(struct vec p, struct vec shifted)
{
    return EACH_HALF(scale_power2_half(p.low, shifted.low), scale_power2_half(p.high, shifted.high));
}

INLINE __m256 only_half(__m256 x, uint32_t first, uint32_t end, int lane)
{
    __m256i inside = _mm256_andnot_si256(lanes_below(first, lane), lanes_below(end, lane));
    return _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), x, _mm256_castsi256_ps(inside));
}

INLINE struct vec vec_only(struct vec x, uint32_t first, uint32_t end)
{
    return EACH_HALF(only_half(x.low, first, end, 0), only_half(x.high, first, end, 8));
}

INLINE float vec_fold_add(struct vec x)
{
    __m256 eight = _mm256_add_ps(x.low, x.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINE float vec_fold_max(struct vec x)
{
    __m256 eight = _mm256_max_ps(x.low, x.high);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

INLINE struct vec vec_widen_f16(const void *p)
{
    const __m128i *from = p;
    return EACH_HALF(_mm256_cvtph_ps(_mm_loadu_si128(from)), _mm256_cvtph_ps(_mm_loadu_si128(from + 1)));
}

INLINE __m256 widen_bf16_half(__m256i pairs, uint32_t half)
{
    return _mm256_castsi256_ps(half == 0 ? _mm256_slli_epi32(pairs, 16)
                                         : _mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000u)));
}

INLINE struct vec vec_widen_bf16(const void *p, uint32_t half)
{
    const __m256i *from = p;
    return EACH_HALF(widen_bf16_half(_mm256_loadu_si256(from), half),
                     widen_bf16_half(_mm256_loadu_si256(from + 1), half));
}

INLINE struct vec vec_widen_i8(const void *p)
{
    const char *from = p;
    return EACH_HALF(
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)from))),
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(from + 8)))));
}

#define KERNELS_TABLE kernels_avx2
#define KERNELS_NAME "avx2"
#include "table.inc"
