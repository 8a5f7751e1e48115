/* SentencePiece's normalizer: user-defined symbols as they are, else the longest entry of the character map, else one
 * character; blanks as the model file says. Thread: any; the rules are immutable once sorted. Owner: tokenizer.
 * Where Hugging Face's tokenizers do it in several steps, the original is one pass, and differs at the ends of a text,
 * in user-defined symbols and in what the map makes of combining characters. */
#include "sentencepiece_text.h"

#include "charsmap.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

#define BLANK       "\xE2\x96\x81" /* U+2581 */
#define BLANK_BYTES (sizeof BLANK - 1)

void sentencepiece_text_destroy(struct sentencepiece_text *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->symbol_count; i++)
        text_deinit(&rules->symbols[i]);
    free(rules->symbols);
    text_deinit(&rules->charsmap);
    free(rules);
}

enum quire_status sentencepiece_symbol_add(struct sentencepiece_text *rules, const char *bytes, size_t count)
{
    void *symbols = rules->symbols;
    struct text symbol = {0};

    if (array_grow(&symbols, &rules->symbol_max, rules->symbol_count + 1, sizeof *rules->symbols) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    rules->symbols = symbols;
    if (text_append(&symbol, bytes, count) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    rules->symbols[rules->symbol_count++] = symbol;
    return QUIRE_OK;
}

static int compare_symbols(const void *left, const void *right)
{
    const struct text *a = left, *b = right;
    int order = memcmp(a->bytes, b->bytes, a->count < b->count ? a->count : b->count);

    return order != 0 ? order : a->count < b->count ? -1 : a->count > b->count;
}

void sentencepiece_symbols_sort(struct sentencepiece_text *rules)
{
    if (rules->symbol_count > 1)
        qsort(rules->symbols, rules->symbol_count, sizeof *rules->symbols, compare_symbols);
}

/* The first symbol of [low, high), which agree in their first `depth` bytes and are longer, whose next byte is not below
 * `byte`. */
static size_t symbols_find(const struct sentencepiece_text *rules, size_t low, size_t high, size_t depth, int byte)
{
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((unsigned char)rules->symbols[middle].bytes[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Bytes of the longest symbol that text[0, count) begins with; 0: none. Gemma's models have thousands that begin alike. */
static size_t symbol_length(const struct sentencepiece_text *rules, const char *text, size_t count)
{
    size_t low = 0, high = rules->symbol_count, longest = 0;

    for (size_t depth = 0; low < high; depth++) {
        for (; low < high && rules->symbols[low].count == depth; low++) /* the shortest come first */
            longest = depth;
        if (depth == count)
            break;
        int byte = (unsigned char)text[depth];
        low = symbols_find(rules, low, high, depth, byte);
        high = symbols_find(rules, low, high, depth, byte + 1);
    }
    return longest;
}

/* What is read at one place: `length` bytes of the text, which become bytes[0, count). */
struct chunk {
    const char *bytes;
    size_t count, length;
    bool mapped;
};

static struct chunk chunk_at(const struct sentencepiece_text *rules, const char *text, size_t count)
{
    size_t length = symbol_length(rules, text, count);

    if (length > 0)
        return (struct chunk){text, length, length, false};
    const char *mapped = rules->charsmap.count == 0 ? NULL : charsmap_longest(&rules->charsmap, text, count, &length);
    if (mapped != NULL)
        return (struct chunk){mapped, strlen(mapped), length, true};
    length = utf8_length(text[0]);
    return (struct chunk){text, length, length, false};
}

static enum quire_status blank_append(const struct sentencepiece_text *rules, char mark, struct marked_text *out)
{
    return rules->plain_blanks ? marked_text_append(out, " ", 1, mark)
                               : marked_text_append(out, BLANK, BLANK_BYTES, mark);
}

/* Appends a chunk from its byte `skipped` on, in runs between blanks. */
static enum quire_status chunk_append(const struct sentencepiece_text *rules, const struct chunk *chunk, size_t skipped,
                                      const char *marks, char mark, struct marked_text *out)
{
    enum quire_status status = QUIRE_OK;

    for (size_t at = skipped; status == QUIRE_OK && at < chunk->count;) {
        const char *blank = memchr(chunk->bytes + at, ' ', chunk->count - at);
        size_t end = blank == NULL ? chunk->count : (size_t)(blank - chunk->bytes);
        if (end > at)
            status = chunk->mapped ? marked_text_append(out, chunk->bytes + at, end - at, mark)
                                   : marked_text_copy(out, chunk->bytes + at, marks + at, end - at);
        if (status == QUIRE_OK && blank != NULL)
            status = blank_append(rules, chunk->mapped ? mark : marks[end], out);
        at = end + 1;
    }
    return status;
}

static void blanks_strip(const struct sentencepiece_text *rules, size_t before, struct marked_text *out)
{
    const char *blank = rules->plain_blanks ? " " : BLANK;
    size_t bytes = strlen(blank);

    while (out->text.count - before >= bytes && memcmp(out->text.bytes + out->text.count - bytes, blank, bytes) == 0) {
        out->text.count -= bytes;
        out->marks.count -= bytes;
    }
}

enum quire_status sentencepiece_normalise(const struct sentencepiece_text *rules, const struct marked_text *in,
                                          struct marked_text *out)
{
    const char *text = in->text.bytes, *marks = in->marks.bytes;
    size_t count = in->text.count, at = 0, before = out->text.count;
    bool after_blank = rules->collapses;
    bool framed = rules->prefixed && (!rules->first_only || (count > 0 && (marks[0] & MARK_ORIGIN) != 0));
    char every = marks_all(&in->marks, 0, 0);
    enum quire_status status = QUIRE_OK;

    while (rules->collapses && at < count) {
        struct chunk chunk = chunk_at(rules, text + at, count - at);
        if (chunk.count != 1 || chunk.bytes[0] != ' ')
            break;
        at += chunk.length;
    }
    if (at == count)
        return QUIRE_OK;
    if (framed && !rules->suffixed)
        status = blank_append(rules, every, out);
    while (status == QUIRE_OK && at < count) {
        struct chunk chunk = chunk_at(rules, text + at, count - at);
        size_t skipped = 0;
        while (after_blank && skipped < chunk.count && chunk.bytes[skipped] == ' ')
            skipped++;
        status = chunk_append(rules, &chunk, skipped, marks + at, marks_all(&in->marks, at, at + chunk.length), out);
        if (skipped < chunk.count)
            after_blank = rules->collapses && chunk.bytes[chunk.count - 1] == ' ';
        at += chunk.length;
    }
    if (rules->collapses)
        blanks_strip(rules, before, out);
    if (status == QUIRE_OK && framed && rules->suffixed)
        status = blank_append(rules, every, out);
    return status;
}
