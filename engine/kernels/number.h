/* Conversions between f32 and the 16-bit types as files hold them (little-endian). Widening is exact; narrowing
 * rounds to nearest, ties to even; not-a-number stays so. */
#ifndef QUIRE_NUMBER_H
#define QUIRE_NUMBER_H

#include <stdint.h>
#include <string.h>

static inline uint32_t f32_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float f32_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint16_t load_u16(const unsigned char *p)
{
    uint16_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline float bf16_to_f32(uint16_t x)
{
    return f32_from_bits((uint32_t)x << 16);
}

static inline uint16_t f32_to_bf16(float x)
{
    uint32_t bits = f32_bits(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

static inline float f16_to_f32(uint16_t x)
{
    uint32_t sign = (uint32_t)(x & 0x8000) << 16;
    uint32_t magnitude = x & 0x7fffu;

    if (magnitude >= 0x7c00) /* infinite or not a number */
        return f32_from_bits(sign | 0x7f800000u | (magnitude & 0x3ff) << 13 | (magnitude > 0x7c00 ? 0x400000u : 0));
    if (magnitude < 0x400) /* subnormal: a count of 2^-24 */
        return f32_from_bits(sign | f32_bits((float)magnitude * 0x1p-24f));
    return f32_from_bits(sign | ((magnitude << 13) + ((127u - 15u) << 23)));
}

static inline uint16_t f32_to_f16(float x)
{
    uint32_t bits = f32_bits(x);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & 0x7fffffffu;

    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x47800000u) /* 65536 and more; what rounds up to it overflows below by itself */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000u) /* below 2^-14: the sum with 0.5 has units of 2^-24, the subnormal f16's own */
        return (uint16_t)(sign | (f32_bits(f32_from_bits(magnitude) + 0.5f) - f32_bits(0.5f)));
    return (uint16_t)(sign | ((magnitude - ((127u - 15u) << 23) + 0xfffu + (magnitude >> 13 & 1)) >> 13));
}

#endif
