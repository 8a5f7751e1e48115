/* Spellings and ids. Thread: written by the loader, then read by any. Owner: tokenizer. */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

static uint64_t spelling_hash(const char *bytes, size_t count)
{
    uint64_t hash = 0x9E3779B97F4A7C15u ^ count;

    while (count >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
        hash ^= hash >> 32;
        bytes += 8;
        count -= 8;
    }
    uint64_t rest = 0;
    memcpy(&rest, bytes, count);
    hash = (hash ^ rest) * 0xC4CEB9FE1A85EC53u;
    return hash ^ hash >> 29;
}

void vocabulary_deinit(struct vocabulary *vocabulary)
{
    text_deinit(&vocabulary->spellings);
    free(vocabulary->pieces);
    free(vocabulary->by_id);
    free(vocabulary->flags);
    free(vocabulary->slots);
    *vocabulary = (struct vocabulary){0};
}

/* The slot that holds the spelling, or the empty one where it would go. */
static size_t slot_of(const struct vocabulary *vocabulary, const char *bytes, size_t count)
{
    size_t mask = vocabulary->slot_count - 1;
    size_t slot = (size_t)spelling_hash(bytes, count) & mask;

    for (;; slot = (slot + 1) & mask) {
        uint32_t entry = vocabulary->slots[slot];
        if (entry == 0)
            return slot;
        const struct piece *piece = &vocabulary->pieces[entry - 1];
        if (piece->bytes == count && memcmp(vocabulary->spellings.bytes + piece->at, bytes, count) == 0)
            return slot;
    }
}

/* Keeps the table at most half full. */
static enum quire_status slots_reserve(struct vocabulary *vocabulary)
{
    size_t count = vocabulary->slot_count == 0 ? 1024 : vocabulary->slot_count * 2;

    if ((vocabulary->piece_count + 1) * 2 <= vocabulary->slot_count)
        return QUIRE_OK;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return QUIRE_NO_MEMORY;
    free(vocabulary->slots);
    vocabulary->slots = slots;
    vocabulary->slot_count = count;
    for (size_t i = 0; i < vocabulary->piece_count; i++) {
        const struct piece *piece = &vocabulary->pieces[i];
        size_t slot = slot_of(vocabulary, vocabulary->spellings.bytes + piece->at, piece->bytes);
        if (slots[slot] == 0) /* the first of equal spellings */
            slots[slot] = (uint32_t)i + 1;
    }
    return QUIRE_OK;
}

static enum quire_status ids_reserve(struct vocabulary *vocabulary, uint32_t id)
{
    void *by_id = vocabulary->by_id, *flags = vocabulary->flags;

    if (id < vocabulary->id_count)
        return QUIRE_OK;
    if (array_grow(&by_id, &vocabulary->id_max, (size_t)id + 1, sizeof *vocabulary->by_id) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    vocabulary->by_id = by_id;
    if (array_grow(&flags, &vocabulary->flag_max, (size_t)id + 1, sizeof *vocabulary->flags) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    vocabulary->flags = flags;
    for (uint32_t i = vocabulary->id_count; i <= id; i++) {
        vocabulary->by_id[i] = TOKEN_NONE;
        vocabulary->flags[i] = 0;
    }
    vocabulary->id_count = id + 1;
    return QUIRE_OK;
}

static enum quire_status piece_append(struct vocabulary *vocabulary, uint32_t id, const char *bytes, size_t count,
                                      bool added)
{
    void *pieces = vocabulary->pieces;
    size_t at = vocabulary->spellings.count;

    if (count > INT32_MAX || text_reserve(&vocabulary->spellings, count + 1) != QUIRE_OK ||
        array_grow(&pieces, &vocabulary->piece_max, vocabulary->piece_count + 1, sizeof *vocabulary->pieces) !=
            QUIRE_OK)
        return QUIRE_NO_MEMORY;
    vocabulary->pieces = pieces;
    if (count > 0)
        memcpy(vocabulary->spellings.bytes + at, bytes, count);
    vocabulary->spellings.bytes[at + count] = '\0';
    vocabulary->spellings.count += count + 1;
    vocabulary->pieces[vocabulary->piece_count++] =
        (struct piece){.at = at, .bytes = (uint32_t)count & INT32_MAX, .added = added, .id = id};
    return QUIRE_OK;
}

enum quire_status vocabulary_add(struct vocabulary *vocabulary, uint32_t id, const char *bytes, size_t count,
                                 bool added)
{
    if (slots_reserve(vocabulary) != QUIRE_OK || ids_reserve(vocabulary, id) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    size_t slot = slot_of(vocabulary, bytes, count);
    uint32_t index = vocabulary->slots[slot];
    if (index == 0 || vocabulary->pieces[index - 1].id != id) {
        if (piece_append(vocabulary, id, bytes, count, added) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        if (index == 0)
            vocabulary->slots[slot] = (uint32_t)vocabulary->piece_count;
        index = (uint32_t)vocabulary->piece_count;
    }
    if (added || vocabulary->by_id[id] == TOKEN_NONE)
        vocabulary->by_id[id] = index - 1;
    return QUIRE_OK;
}

enum quire_status vocabulary_respell(struct vocabulary *vocabulary, uint32_t id, const char *bytes, size_t count)
{
    if (piece_append(vocabulary, id, bytes, count, true) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    vocabulary->by_id[id] = (uint32_t)vocabulary->piece_count - 1;
    return QUIRE_OK;
}

uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *bytes, size_t count)
{
    if (vocabulary->slot_count == 0)
        return TOKEN_NONE;
    uint32_t entry = vocabulary->slots[slot_of(vocabulary, bytes, count)];
    return entry == 0 ? TOKEN_NONE : vocabulary->pieces[entry - 1].id;
}

uint32_t vocabulary_find_piece(const struct vocabulary *vocabulary, const char *bytes, size_t count, bool reserved)
{
    uint32_t entry = vocabulary->slot_count == 0 ? 0 : vocabulary->slots[slot_of(vocabulary, bytes, count)];

    if (entry == 0)
        return TOKEN_NONE;
    const struct piece *piece = &vocabulary->pieces[entry - 1];
    return piece->added || (!reserved && (vocabulary->flags[piece->id] & PIECE_RESERVED) != 0) ? TOKEN_NONE : piece->id;
}

const struct piece *vocabulary_piece(const struct vocabulary *vocabulary, uint32_t id)
{
    if (id >= vocabulary->id_count || vocabulary->by_id[id] == TOKEN_NONE)
        return NULL;
    return &vocabulary->pieces[vocabulary->by_id[id]];
}

const char *vocabulary_spelling(const struct vocabulary *vocabulary, uint32_t id)
{
    const struct piece *piece = vocabulary_piece(vocabulary, id);

    return piece == NULL ? NULL : vocabulary->spellings.bytes + piece->at;
}
