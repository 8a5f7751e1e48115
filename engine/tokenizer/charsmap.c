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
    size_t strings = 4 + trie_bytes(map);
    if (utf8_valid_prefix(map->bytes + strings, map->count - strings) < map->count - strings)
        return quire_fail(error, QUIRE_BAD_FILE, "precompiled_charsmap has strings that are not valid UTF-8");
    return QUIRE_OK;
}

/* The replacement of a prefix of key[0, count) and that prefix's length; NULL without. The shortest prefix that has one
 * counts, or the longest. Every index is checked, for the units come from a file. */
static const char *lookup(const struct text *map, bool longest, const char *key, size_t count, size_t *length)
{
    size_t units = trie_bytes(map) / 4, node = 0, string_bytes = map->count - 4 - trie_bytes(map);
    const char *strings = map->bytes + 4 + trie_bytes(map), *found = NULL;
    uint32_t unit = unit_at(map, 0);

    node ^= (size_t)(unit >> 10) << ((unit & 0x200u) >> 6);
    for (size_t i = 0; i < count && (found == NULL || longest); i++) {
        unsigned char byte = (unsigned char)key[i];
        node ^= byte;
        if (node >= units)
            break;
        unit = unit_at(map, node);
        if ((unit & 0x800000FFu) != byte)
            break;
        node ^= (size_t)(unit >> 10) << ((unit & 0x200u) >> 6);
        if ((unit & 0x100u) == 0)
            continue;
        /* A leaf hangs here: its value is an offset into the strings. */
        size_t offset = node < units ? unit_at(map, node) & 0x7FFFFFFFu : SIZE_MAX;
        bool whole = i + 1 == count || ((unsigned char)key[i + 1] & 0xC0u) != 0x80u;
        if (whole && offset < string_bytes && ((unsigned char)strings[offset] & 0xC0u) != 0x80u) {
            found = strings + offset;
            *length = i + 1;
        }
    }
    return found;
}

static enum quire_status append_mapped(const struct text *map, const struct marked_text *in, size_t start, size_t end,
                                       struct marked_text *out)
{
    size_t length;
    const char *mapped = end - start <= WHOLE_BYTES_MAX
                             ? lookup(map, false, in->text.bytes + start, end - start, &length)
                             : NULL;

    if (mapped != NULL)
        return marked_text_append(out, mapped, strlen(mapped), marks_all(&in->marks, start, end));
    while (start < end) {
        size_t next = start + utf8_length(in->text.bytes[start]);
        mapped = lookup(map, false, in->text.bytes + start, next - start, &length);
        char marks = marks_all(&in->marks, start, next);
        enum quire_status status = mapped != NULL
                                       ? marked_text_append(out, mapped, strlen(mapped), marks)
                                       : marked_text_copy(out, in->text.bytes + start, in->marks.bytes + start,
                                                          next - start);
        if (status != QUIRE_OK)
            return status;
        start = next;
    }
    return QUIRE_OK;
}

const char *charsmap_longest(const struct text *map, const char *key, size_t count, size_t *length)
{
    return lookup(map, true, key, count, length);
}

enum quire_status charsmap_run(const struct text *map, const struct marked_text *in, struct marked_text *out)
{
    size_t start = 0, at = 0;
    uint32_t last = 0;
    int32_t state = 0;

    if (map->count == 0) /* an empty map maps nothing */
        return marked_text_copy(out, in->text.bytes, in->marks.bytes, in->text.count);
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
