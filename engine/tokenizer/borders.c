/* Thread: any; immutable once filled. Owner: word model.
 * Text that is not split, as SentencePiece has it, is one word for the model, and a heap of all its merges leaves every
 * cache. What a merge makes is a piece, so none crosses a pair of characters that is in no piece.
 * Pairs are kept as bits of a hash: two that share a bit cost a cut, never a token. */
#include "borders.h"

#include "unicode.h"

#include <stdlib.h>

#define PAIR_BITS 21u
#define CODE_POINTS 0x110000u

static bool bit_get(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64) & 1u) != 0;
}

static void bit_set(uint64_t *bits, size_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static size_t pair_hash(uint32_t left, uint32_t right)
{
    return (size_t)((((uint64_t)left << 21 | right) * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - PAIR_BITS));
}

void borders_deinit(struct borders *borders)
{
    free(borders->pairs);
    free(borders->known);
    *borders = (struct borders){0};
}

static void piece_read(struct borders *borders, const struct vocabulary *vocabulary, const char *bytes, size_t count)
{
    size_t at = 0;
    uint32_t left, right;

    if (count == 0 || utf8_valid_prefix(bytes, count) < count)
        return; /* no text spells it */
    left = utf8_next(bytes, &at);
    if (at == count && vocabulary_find_piece(vocabulary, bytes, count, false) != TOKEN_NONE)
        bit_set(borders->known, left);
    for (; at < count; left = right) {
        right = utf8_next(bytes, &at);
        bit_set(borders->pairs, pair_hash(left, right));
    }
}

enum quire_status borders_init(struct borders *borders, const struct vocabulary *vocabulary)
{
    *borders = (struct borders){.pairs = calloc((size_t)1 << PAIR_BITS >> 6, sizeof(uint64_t)),
                                .known = calloc(CODE_POINTS / 64, sizeof(uint64_t))};
    if (borders->pairs == NULL || borders->known == NULL) {
        borders_deinit(borders);
        return QUIRE_NO_MEMORY;
    }
    for (size_t i = 0; i < vocabulary->piece_count; i++) {
        const struct piece *piece = &vocabulary->pieces[i];
        piece_read(borders, vocabulary, vocabulary->spellings.bytes + piece->at, piece->bytes);
    }
    return QUIRE_OK;
}

size_t borders_next(const struct borders *borders, const char *text, size_t count, size_t start)
{
    size_t at = start;
    uint32_t left, right;

    if (borders->pairs == NULL)
        return count;
    for (left = utf8_next(text, &at); at < count; left = right) {
        size_t border = at;
        right = utf8_next(text, &at);
        if (!bit_get(borders->pairs, pair_hash(left, right)) && bit_get(borders->known, left) &&
            bit_get(borders->known, right))
            return border;
    }
    return count;
}
