/* GPT-2's byte alphabet: every byte has a printable character, so that any bytes can be written as text. */
#ifndef QUIRE_BYTE_ALPHABET_H
#define QUIRE_BYTE_ALPHABET_H

#include <stdbool.h>
#include <stdint.h>

/* Printable Latin-1 stands for itself; the 68 other bytes, in order, are U+0100 to U+0143. */
static inline bool byte_is_itself(uint32_t byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

static inline uint32_t byte_to_char(unsigned char byte)
{
    if (byte_is_itself(byte))
        return byte;
    return byte <= 0x20 ? 0x100u + byte : byte <= 0xA0 ? 0x121u + (byte - 0x7Fu) : 0x143u;
}

/* The byte of a character of the alphabet, or -1. */
static inline int char_to_byte(uint32_t c)
{
    if (c < 0x100)
        return byte_is_itself(c) ? (int)c : -1;
    if (c > 0x143)
        return -1;
    return c == 0x143 ? 0xAD : c >= 0x121 ? (int)(c - 0x121 + 0x7F) : (int)(c - 0x100);
}

#endif
