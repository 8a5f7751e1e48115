/* Normalizers. Thread: any; lists are immutable, texts belong to the caller. Owner: tokenizer.
 * Semantics: the normalizers of Hugging Face's tokenizers. Marks travel with the bytes (see normalise.h). */
#include "normalise.h"

#include "byte_alphabet.h"
#include "charsmap.h"
#include "sentencepiece_text.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

void marked_text_deinit(struct marked_text *marked)
{
    text_deinit(&marked->text);
    text_deinit(&marked->marks);
}

enum quire_status marked_text_append(struct marked_text *marked, const char *bytes, size_t count, char mark)
{
    if (text_append(&marked->text, bytes, count) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return text_append_byte(&marked->marks, mark, count);
}

enum quire_status marked_text_copy(struct marked_text *marked, const char *bytes, const char *marks, size_t count)
{
    if (text_append(&marked->text, bytes, count) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return text_append(&marked->marks, marks, count);
}

void normaliser_list_deinit(struct normaliser_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        pattern_destroy(list->steps[i].pattern);
        text_deinit(&list->steps[i].content);
        sentencepiece_text_destroy(list->steps[i].rules);
    }
    free(list->steps);
    *list = (struct normaliser_list){0};
}

struct normaliser *normaliser_list_add(struct normaliser_list *list, enum normalise_kind kind)
{
    void *steps = list->steps;

    if (array_grow(&steps, &list->count_max, list->count + 1, sizeof *list->steps) != QUIRE_OK)
        return NULL;
    list->steps = steps;
    list->steps[list->count] = (struct normaliser){.kind = kind};
    return &list->steps[list->count++];
}

char marks_all(const struct text *marks, size_t start, size_t end)
{
    unsigned all = MARK_TRUSTED | MARK_ORIGIN;

    for (size_t i = start; i < end; i++)
        all &= (unsigned char)marks->bytes[i];
    return (char)all;
}

static enum quire_status copy_range(const struct marked_text *in, size_t start, size_t end, struct marked_text *out)
{
    return marked_text_copy(out, in->text.bytes + start, in->marks.bytes + start, end - start);
}

/* ---- Unicode normal forms ---------------------------------------------------------------------------------------- */

/* Characters of one chunk, decomposed. */
struct chunk {
    uint32_t *chars;
    size_t count, count_max;
    size_t origin_count; /* of the first characters, which come from the input's first one */
};

static int compare_keys(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* Canonical ordering: each run of combining marks stably sorted by class. utf8proc's own is quadratic in the run. */
static enum quire_status chunk_order(struct chunk *chunk)
{
    size_t start = 0;

    while (start < chunk->count) {
        size_t end = start;
        bool sorted = true;
        for (unsigned last = 0; end < chunk->count; end++) {
            unsigned class = char_combining_class(chunk->chars[end]);
            if (class == 0)
                break;
            sorted = sorted && class >= last;
            last = class;
        }
        if (!sorted) {
            uint64_t *keys = malloc((end - start) * sizeof *keys);
            if (keys == NULL)
                return QUIRE_NO_MEMORY;
            for (size_t i = start; i < end; i++) {
                keys[i - start] = (uint64_t)char_combining_class(chunk->chars[i]) << 53 | (uint64_t)(i - start) << 21 |
                                  chunk->chars[i];
            }
            qsort(keys, end - start, sizeof *keys, compare_keys);
            for (size_t i = start; i < end; i++)
                chunk->chars[i] = (uint32_t)(keys[i - start] & 0x1FFFFF);
            free(keys);
        }
        start = end + 1;
    }
    return QUIRE_OK;
}

static enum quire_status chunk_decompose(struct chunk *chunk, const struct marked_text *in, size_t start, size_t end,
                                         bool compatible)
{
    const char *text = in->text.bytes;

    chunk->count = chunk->origin_count = 0;
    while (start < end) {
        bool origin = (in->marks.bytes[start] & MARK_ORIGIN) != 0;
        void *chars = chunk->chars;
        if (array_grow(&chars, &chunk->count_max, chunk->count + DECOMPOSED_MAX, sizeof *chunk->chars) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        chunk->chars = chars;
        chunk->count += char_decompose(utf8_next(text, &start), compatible, chunk->chars + chunk->count);
        chunk->origin_count = origin ? chunk->count : chunk->origin_count;
    }
    return QUIRE_OK;
}

static enum quire_status chunk_give(const struct chunk *chunk, char marks, struct marked_text *out)
{
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < chunk->count && status == QUIRE_OK; i++) {
        char bytes[UTF8_BYTES_MAX];
        marks = (char)((marks & ~MARK_ORIGIN) | (i < chunk->origin_count ? MARK_ORIGIN : 0));
        status = marked_text_append(out, bytes, utf8_encode(chunk->chars[i], bytes), marks);
    }
    return status;
}

/* ASCII never changes and never composes with what stands before it, so chunks are cut in front of ASCII characters. */
static enum quire_status compose(const struct normaliser *step, const struct marked_text *in, struct marked_text *out)
{
    const char *text = in->text.bytes;
    size_t count = in->text.count, at = 0;
    struct chunk chunk = {0};
    enum quire_status status = QUIRE_OK;

    while (at < count && status == QUIRE_OK) {
        size_t high = at;
        while (high < count && (unsigned char)text[high] < 0x80)
            high++;
        size_t start = high > at && high < count ? high - 1 : high;
        size_t end = high;
        while (end < count && (unsigned char)text[end] >= 0x80)
            end++;
        status = copy_range(in, at, start, out);
        if (status != QUIRE_OK || start == count)
            break;
        status = chunk_decompose(&chunk, in, start, end, (step->flags & NORMALISE_COMPATIBLE) != 0);
        if (status == QUIRE_OK)
            status = chunk_order(&chunk);
        if (status == QUIRE_OK && (step->flags & NORMALISE_COMPOSED) != 0) {
            chunk.count = chars_compose(chunk.chars, chunk.count);
            chunk.origin_count = chunk.origin_count > 0;
        }
        status = status == QUIRE_OK ? chunk_give(&chunk, marks_all(&in->marks, start, end), out) : status;
        at = end;
    }
    free(chunk.chars);
    return status;
}

/* ---- one character to a few -------------------------------------------------------------------------------------- */

#define MAPPED_MAX 4u

static bool nmt_drops(uint32_t c)
{
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
}

static bool nmt_blanks(uint32_t c)
{
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

/* Writes what becomes of `c` and returns the number of characters. */
static size_t map_char(enum normalise_kind kind, uint32_t c, uint32_t out[MAPPED_MAX])
{
    char bytes[UTF8_BYTES_MAX];
    size_t count;

    out[0] = c;
    switch (kind) {
    case NORMALISE_LOWERCASE:
        return char_lower(c, out);
    case NORMALISE_STRIP_MARKS:
        return !char_in(CHARS_MARK, c);
    case NORMALISE_STRIP_ACCENTS:
        return !char_in(CHARS_ACCENT, c);
    case NORMALISE_CLEAN:
        if (c == 0 || c == 0xFFFD || char_in(CHARS_CONTROL, c))
            return 0;
        out[0] = char_in(CHARS_SPACE, c) ? ' ' : c;
        return 1;
    case NORMALISE_SPACE_HAN:
        if (!char_in(CHARS_HAN, c))
            return 1;
        out[0] = ' ', out[1] = c, out[2] = ' ';
        return 3;
    case NORMALISE_NMT:
        out[0] = nmt_blanks(c) ? ' ' : c;
        return !nmt_drops(c);
    case NORMALISE_BYTES:
        count = utf8_encode(c, bytes);
        for (size_t i = 0; i < count; i++)
            out[i] = byte_to_char((unsigned char)bytes[i]);
        return count;
    default:
        return 1;
    }
}

/* Runs of characters that stay as they are go over in one piece. */
static enum quire_status map_chars(enum normalise_kind kind, const struct marked_text *in, struct marked_text *out)
{
    size_t kept = 0;

    for (size_t at = 0; at < in->text.count;) {
        uint32_t mapped[MAPPED_MAX];
        size_t start = at;
        uint32_t c = utf8_next(in->text.bytes, &at);
        size_t count = map_char(kind, c, mapped);
        if (count == 1 && mapped[0] == c)
            continue;
        if (copy_range(in, kept, start, out) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        kept = at;
        for (size_t i = 0; i < count; i++) {
            char bytes[UTF8_BYTES_MAX];
            if (marked_text_append(out, bytes, utf8_encode(mapped[i], bytes), marks_all(&in->marks, start, at)) !=
                QUIRE_OK)
                return QUIRE_NO_MEMORY;
        }
    }
    return copy_range(in, kept, in->text.count, out);
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

static enum quire_status replace(const struct normaliser *step, struct matcher *matcher, const struct marked_text *in,
                                 struct marked_text *out)
{
    struct pattern_walk walk = {0};
    size_t at = 0, start, end;
    enum quire_status status;

    while ((status = pattern_next(step->pattern, matcher, in->text.bytes, in->text.count, &walk, &start, &end)) ==
           QUIRE_OK)
    {
        char marks = start < end ? marks_all(&in->marks, start, end) : in->marks.bytes[end > 0 ? end - 1 : 0];
        if (copy_range(in, at, start, out) != QUIRE_OK ||
            marked_text_append(out, step->content.bytes, step->content.count, marks) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        at = end;
    }
    return status == QUIRE_NOT_FOUND ? copy_range(in, at, in->text.count, out) : status;
}

static enum quire_status prepend(const struct normaliser *step, const struct marked_text *in, struct marked_text *out)
{
    if (marked_text_append(out, step->content.bytes, step->content.count, in->marks.bytes[0]) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return copy_range(in, 0, in->text.count, out);
}

static enum quire_status strip(const struct normaliser *step, const struct marked_text *in, struct marked_text *out)
{
    size_t start = 0, end = in->text.count;

    while ((step->flags & NORMALISE_LEFT) != 0 && start < end) {
        size_t next = start;
        if (!char_in(CHARS_SPACE, utf8_next(in->text.bytes, &next)))
            break;
        start = next;
    }
    while ((step->flags & NORMALISE_RIGHT) != 0 && end > start) {
        size_t previous = end;
        if (!char_in(CHARS_SPACE, utf8_previous(in->text.bytes, &previous)))
            break;
        end = previous;
    }
    return copy_range(in, start, end, out);
}

static enum quire_status step_run(const struct normaliser *step, struct matcher *matcher, const struct marked_text *in,
                                  struct marked_text *out)
{
    switch (step->kind) {
    case NORMALISE_COMPOSE:
        return compose(step, in, out);
    case NORMALISE_REPLACE:
        return replace(step, matcher, in, out);
    case NORMALISE_PREPEND:
        return prepend(step, in, out);
    case NORMALISE_STRIP:
        return strip(step, in, out);
    case NORMALISE_CHARSMAP:
        return charsmap_run(&step->content, in, out);
    case NORMALISE_SENTENCEPIECE:
        return sentencepiece_normalise(step->rules, in, out);
    case NORMALISE_LOWERCASE:
    case NORMALISE_STRIP_MARKS:
    case NORMALISE_STRIP_ACCENTS:
    case NORMALISE_CLEAN:
    case NORMALISE_SPACE_HAN:
    case NORMALISE_BYTES:
    case NORMALISE_NMT:
        return map_chars(step->kind, in, out);
    }
    return QUIRE_OK;
}

enum quire_status normalise(const struct normaliser_list *list, struct matcher *matcher, struct marked_text *in,
                            struct marked_text *spare)
{
    enum quire_status status = QUIRE_OK;

    in->text.bound = spare->text.bound = text_bound(in->text.count);
    for (size_t i = 0; i < list->count && in->text.count > 0 && status == QUIRE_OK; i++) {
        spare->text.count = spare->marks.count = 0;
        status = step_run(&list->steps[i], matcher, in, spare);
        struct marked_text made = *spare;
        *spare = *in;
        *in = made;
    }
    in->text.bound = spare->text.bound = 0;
    return status;
}
