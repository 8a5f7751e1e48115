/* The steps of a decoder. Thread: any; lists belong to the caller. Owner: tokenizer.
 * Semantics: the decoders of Hugging Face's tokenizers. */
#include "decode_list.h"

#include "byte_alphabet.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* ---- lists ------------------------------------------------------------------------------------------------------- */

void string_list_deinit(struct string_list *list)
{
    text_deinit(&list->bytes);
    free(list->ends);
    *list = (struct string_list){0};
}

void string_list_clear(struct string_list *list)
{
    list->bytes.count = list->count = 0;
}

enum quire_status string_list_end(struct string_list *list)
{
    void *ends = list->ends;

    if (array_grow(&ends, &list->count_max, list->count + 1, sizeof *list->ends) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    list->ends = ends;
    list->ends[list->count++] = list->bytes.count;
    return QUIRE_OK;
}

enum quire_status string_list_append(struct string_list *list, const char *bytes, size_t count)
{
    return text_append(&list->bytes, bytes, count) == QUIRE_OK ? string_list_end(list) : QUIRE_NO_MEMORY;
}

struct text string_list_get(const struct string_list *list, size_t i)
{
    static char nothing[1]; /* where all strings are empty: NULL must not be counted from */
    size_t start = i == 0 ? 0 : list->ends[i - 1];

    return (struct text){.bytes = (list->bytes.bytes == NULL ? nothing : list->bytes.bytes) + start,
                         .count = list->ends[i] - start};
}

/* ---- literals ---------------------------------------------------------------------------------------------------- */

/* Appends *in with `to` for each `from`; where `from` is empty, `to` around each character. */
static enum quire_status replace_literal(const struct text *in, const struct text *from, const char *to,
                                         size_t to_bytes, struct text *out)
{
    size_t at = 0;
    enum quire_status status = QUIRE_OK;

    while (status == QUIRE_OK && at < in->count) {
        const char *found = from->count == 0 ? in->bytes + at
                                             : memmem(in->bytes + at, in->count - at, from->bytes, from->count);
        if (found == NULL)
            return text_append(out, in->bytes + at, in->count - at);
        size_t start = (size_t)(found - in->bytes), taken = from->count == 0 ? utf8_length(*found) : 0;
        status = text_append(out, in->bytes + at, start - at);
        if (status == QUIRE_OK)
            status = text_append(out, to, to_bytes);
        if (status == QUIRE_OK)
            status = text_append(out, found, taken);
        at = start + from->count + taken;
    }
    return status == QUIRE_OK && from->count == 0 ? text_append(out, to, to_bytes) : status;
}

/* Replaces in what `out` has from `start` on. */
static enum quire_status replace_tail(struct text *out, size_t start, const struct text *from, const char *to)
{
    struct text tail = {0}, view = {.count = out->count - start};

    if (out->bytes != NULL)
        view.bytes = out->bytes + start;
    if (view.count < from->count || memmem(view.bytes, view.count, from->bytes, from->count) == NULL)
        return QUIRE_OK;
    enum quire_status status = replace_literal(&view, from, to, strlen(to), &tail);
    out->count = start;
    if (status == QUIRE_OK)
        status = text_append(out, tail.bytes, tail.count);
    text_deinit(&tail);
    return status;
}

/* The table of Hugging Face's clean-up, in its order. */
static enum quire_status tidy_english(struct text *out, size_t start)
{
    static const char *const rules[][2] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                           {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                           {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct text from = {.bytes = (char *)(uintptr_t)rules[i][0], .count = strlen(rules[i][0])};
        if (replace_tail(out, start, &from, rules[i][1]) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

/* ---- steps that make one string of each ---------------------------------------------------------------------------
 * */

static enum quire_status replace(const struct decode_step *step, struct matcher *matcher, const struct text *in,
                                 struct text *out)
{
    struct pattern_walk walk = {0};
    size_t at = 0, start, end;
    enum quire_status status;

    if (in->count == 0)
        return QUIRE_OK;
    while ((status = pattern_next(step->pattern, matcher, in->bytes, in->count, &walk, &start, &end)) == QUIRE_OK) {
        if (text_append(out, in->bytes + at, start - at) != QUIRE_OK ||
            text_append(out, step->content.bytes, step->content.count) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        at = end;
    }
    return status == QUIRE_NOT_FOUND ? text_append(out, in->bytes + at, in->count - at) : status;
}

static enum quire_status strip(const struct decode_step *step, const struct text *in, struct text *out)
{
    size_t start = 0, end = in->count, bytes = step->content.count;

    for (size_t i = 0; i < step->left && text_begins(in->bytes + start, end - start, &step->content); i++)
        start += bytes;
    for (size_t i = 0; i < step->right && end - start >= bytes && text_begins(in->bytes + end - bytes, bytes,
                                                                              &step->content); i++)
        end -= bytes;
    return text_append(out, in->bytes + start, end - start);
}

static enum quire_status wordpiece(const struct decode_step *step, bool first, const struct text *in, struct text *out)
{
    const struct text *prefix = &step->content;
    size_t start = out->count;
    bool joins = text_begins(in->bytes, in->count, prefix);
    size_t skipped = !first && joins ? prefix->count : 0;

    if ((!first && !joins && text_append_byte(out, ' ', 1) != QUIRE_OK) ||
        text_append(out, in->bytes + skipped, in->count - skipped) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return step->cleanup ? tidy_english(out, start) : QUIRE_OK;
}

static enum quire_status ctc(const struct decode_step *step, const struct text *in, struct text *out)
{
    size_t start = out->count;
    enum quire_status status = replace_literal(in, &step->content, "", 0, out);

    if (status == QUIRE_OK && step->cleanup)
        status = tidy_english(out, start);
    return status == QUIRE_OK && step->cleanup ? replace_tail(out, start, &step->blank, " ") : status;
}

static enum quire_status string_run(const struct decode_step *step, struct matcher *matcher, bool first, bool last,
                                    const struct text *in, struct text *out)
{
    switch (step->kind) {
    case DECODE_REPLACE:
        return replace(step, matcher, in, out);
    case DECODE_STRIP:
        return strip(step, in, out);
    case DECODE_METASPACE:
        return replace_literal(in, &step->content, " ", first && step->prefix ? 0 : 1, out);
    case DECODE_WORDPIECE:
        return wordpiece(step, first, in, out);
    case DECODE_BPE:
        return replace_literal(in, &step->content, " ", last ? 0 : 1, out);
    case DECODE_CTC:
        return ctc(step, in, out);
    case DECODE_JOIN:
        if (!first && text_append_byte(out, ' ', 1) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        break;
    case DECODE_FUSE:
    case DECODE_BYTE_FALLBACK:
    case DECODE_BYTE_LEVEL:
        break;
    }
    return text_append(out, in->bytes, in->count);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

int named_byte(const struct text *text)
{
    if (text->count != 6 || memcmp(text->bytes, "<0x", 3) != 0 || text->bytes[5] != '>' ||
        hex_digit(text->bytes[4]) < 0)
        return -1;
    if (text->bytes[3] == '+') /* Rust reads a sign */
        return hex_digit(text->bytes[4]);
    return hex_digit(text->bytes[3]) < 0 ? -1 : hex_digit(text->bytes[3]) * 16 + hex_digit(text->bytes[4]);
}

enum quire_status byte_run_append(const char *bytes, size_t count, struct string_list *out)
{
    enum quire_status status = QUIRE_OK;

    if (count == 0)
        return QUIRE_OK;
    if (utf8_valid_prefix(bytes, count) == count)
        return string_list_append(out, bytes, count);
    for (size_t i = 0; i < count && status == QUIRE_OK; i++)
        status = string_list_append(out, REPLACEMENT, sizeof REPLACEMENT - 1);
    return status;
}

static enum quire_status byte_fallback(const struct string_list *in, struct string_list *out)
{
    struct text run = {0};
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < in->count && status == QUIRE_OK; i++) {
        struct text string = string_list_get(in, i);
        int byte = named_byte(&string);
        if (byte >= 0) {
            status = text_append_byte(&run, (char)byte, 1);
            continue;
        }
        status = byte_run_append(run.bytes, run.count, out);
        run.count = 0;
        if (status == QUIRE_OK)
            status = string_list_append(out, string.bytes, string.count);
    }
    if (status == QUIRE_OK)
        status = byte_run_append(run.bytes, run.count, out);
    text_deinit(&run);
    return status;
}

/* The string's bytes; a string with other characters, an added token, as it is. */
static enum quire_status from_byte_alphabet(const struct text *in, struct text *out)
{
    size_t start = out->count;

    for (size_t at = 0; at < in->count;) {
        int byte = char_to_byte(utf8_next(in->bytes, &at));
        if (byte < 0) {
            out->count = start;
            return text_append(out, in->bytes, in->count);
        }
        if (text_append_byte(out, (char)byte, 1) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

enum quire_status byte_string_read(const struct string_list *in, struct text *out)
{
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < in->count && status == QUIRE_OK; i++) {
        struct text string = string_list_get(in, i);
        status = from_byte_alphabet(&string, out);
    }
    return status;
}

/* Appends `bytes` with one U+FFFD for each broken beginning of a character (Unicode 3.9, maximal subparts). */
static enum quire_status lossy_append(const struct text *bytes, struct text *out)
{
    const unsigned char *at = (const unsigned char *)bytes->bytes;
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < bytes->count && status == QUIRE_OK;) {
        size_t whole = utf8_valid_prefix(bytes->bytes + i, bytes->count - i), broken = 0;
        status = text_append(out, bytes->bytes + i, whole);
        i += whole;
        while (i + broken < bytes->count && (broken == 0 || utf8_form(at + i, broken + 1) != UTF8_BROKEN))
            broken++;
        if (broken > 0 && status == QUIRE_OK)
            status = text_append(out, REPLACEMENT, sizeof REPLACEMENT - 1);
        i += broken;
    }
    return status;
}

static enum quire_status byte_level(const struct string_list *in, struct string_list *out)
{
    struct text bytes = {0};
    enum quire_status status = byte_string_read(in, &bytes);

    if (status == QUIRE_OK)
        status = lossy_append(&bytes, &out->bytes);
    text_deinit(&bytes);
    return status == QUIRE_OK ? string_list_end(out) : status;
}

/* ---- all steps --------------------------------------------------------------------------------------------------- */

static bool repeats(const struct string_list *in, size_t i)
{
    if (i == 0)
        return false;
    struct text one = string_list_get(in, i - 1), other = string_list_get(in, i);
    return one.count == other.count && text_begins(one.bytes, one.count, &other);
}

enum quire_status decode_step_run(const struct decode_step *step, struct matcher *matcher, struct decode_scope scope,
                                  const struct string_list *in, struct string_list *out)
{
    enum quire_status status = QUIRE_OK;

    if (step->kind == DECODE_BYTE_FALLBACK)
        return byte_fallback(in, out);
    if (step->kind == DECODE_BYTE_LEVEL)
        return byte_level(in, out);
    if (step->kind == DECODE_FUSE)
        return string_list_append(out, in->bytes.bytes, in->count == 0 ? 0 : in->ends[in->count - 1]);
    for (size_t i = 0; i < in->count && status == QUIRE_OK; i++) {
        struct text string = string_list_get(in, i);
        size_t start = out->bytes.count;
        if (step->kind == DECODE_CTC && repeats(in, i))
            continue;
        status = string_run(step, matcher, scope.first && i == 0, scope.last && i + 1 == in->count, &string,
                            &out->bytes);
        if (status == QUIRE_OK && (step->kind != DECODE_CTC || out->bytes.count > start))
            status = string_list_end(out);
    }
    return status;
}
