/* SentencePiece's precompiled character map. Thread: any; the map is immutable. Owner: tokenizer.
 * Format: sentencepiece's normalizer.cc (Darts-clone units). As in Hugging Face's spm_precompiled, a grapheme of fewer
 * than six bytes is looked up whole, else each of its characters, and the shortest prefix in the trie decides. */
#include "charsmap.h"

#include "unicode.h"

#include <string.h>

#define WHOLE_BYTES_MAX 5u

static uint32_t unit_at(const struct text *map, size_t index)
{
    const unsigned char *byte = (const unsigned char *)map->bytes + 4 + index * 4;

    return (uint32_t)byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
}

static size_t trie_bytes(const struct text *map)
{
    const unsigned char *byte = (const unsigned char *)map->bytes;

    return (size_t)byte[0] | (size_t)byte[1] << 8 | (size_t)byte[2] << 16 | (size_t)byte[3] << 24;
}

enum quire_status charsmap_check(const struct text *map, struct quire_error *error)
{
    if (map->count < 8 || trie_bytes(map) < 4 || trie_bytes(map) % 4 != 0 || trie_bytes(map) > map->count - 4)
        return quire_fail(error, QUIRE_BAD_FILE, "precompiled_charsmap has %zu bytes and a trie that does not fit",
                          map->count);
    if (map->count == 4 + trie_bytes(map) || map->bytes[map->count - 1] != '\0')
        return quire_fail(error, QUIRE_BAD_FILE, "precompiled_charsmap does not end its last string");
    return QUIRE_OK;
}

/* The replacement of the shortest prefix of key[0, count) that has one; NULL without. Every index is checked, for the
 * units come from a file. */
static const char *lookup(const struct text *map, const char *key, size_t count)
{
    size_t units = trie_bytes(map) / 4, node = 0;
    const char *strings = map->bytes + 4 + trie_bytes(map);
    size_t string_bytes = map->count - 4 - trie_bytes(map);
    uint32_t unit = unit_at(map, 0);

    node ^= (size_t)(unit >> 10) << ((unit & 0x200u) >> 6);
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)key[i];
        node ^= byte;
        if (node >= units)
            return NULL;
        unit = unit_at(map, node);
        if ((unit & 0x800000FFu) != byte)
            return NULL;
        node ^= (size_t)(unit >> 10) << ((unit & 0x200u) >> 6);
        if ((unit & 0x100u) != 0) { /* a leaf hangs here: its value is an offset into the strings */
            if (node >= units)
                return NULL;
            size_t offset = unit_at(map, node) & 0x7FFFFFFFu;
            return offset < string_bytes ? strings + offset : NULL;
        }
    }
    return NULL;
}

static char mark_of(const struct marked_text *in, size_t start, size_t end)
{
    return memchr(in->marks.bytes + start, 0, end - start) == NULL;
}

static enum quire_status append_mapped(const struct text *map, const struct marked_text *in, size_t start, size_t end,
                                       struct marked_text *out)
{
    const char *mapped = end - start <= WHOLE_BYTES_MAX ? lookup(map, in->text.bytes + start, end - start) : NULL;

    if (mapped != NULL)
        return marked_text_append(out, mapped, strlen(mapped), mark_of(in, start, end));
    while (start < end) {
        size_t next = start + utf8_length(in->text.bytes[start]);
        mapped = lookup(map, in->text.bytes + start, next - start);
        enum quire_status status = mapped != NULL
                                       ? marked_text_append(out, mapped, strlen(mapped), mark_of(in, start, next))
                                       : marked_text_copy(out, in->text.bytes + start, in->marks.bytes + start,
                                                          next - start);
        if (status != QUIRE_OK)
            return status;
        start = next;
    }
    return QUIRE_OK;
}

enum quire_status charsmap_run(const struct text *map, const struct marked_text *in, struct marked_text *out)
{
    size_t start = 0, at = 0;
    uint32_t last = 0;
    int32_t state = 0;

    while (at < in->text.count) {
        size_t here = at;
        uint32_t c = utf8_next(in->text.bytes, &at);
        if (here > 0 && grapheme_breaks(last, c, &state)) {
            if (append_mapped(map, in, start, here, out) != QUIRE_OK)
                return QUIRE_NO_MEMORY;
            start = here;
        }
        last = c;
    }
    return append_mapped(map, in, start, in->text.count, out);
}
