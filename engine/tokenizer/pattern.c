/* Patterns of tokenizer files. Thread: a pattern is immutable; a matcher belongs to one thread. Owner: tokenizer.
 * Hugging Face's tokenizers run these expressions with Oniguruma; the dialects differ in the sets that \s, \w and
 * script names mean, so those are spelled out before PCRE2 compiles them. */
#include "pattern.h"

#include "unicode_newer.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define STEPS_MAX       20000000u    /* backtracking steps of one match: a fraction of a second */
#define HEAP_KIB_MAX    (64u * 1024) /* PCRE2 counts in KiB */
#define STACK_BYTES_MIN (32u * 1024)
#define STACK_BYTES_MAX (4u * 1024 * 1024)

struct pattern {
    pcre2_code *code; /* NULL: a literal */
    bool compiled;    /* to machine code */
    char *literal;
    size_t literal_bytes;
};

struct matcher {
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

/* White_Space; PCRE2's \s has U+180E besides. Word: UTS #18; PCRE2 10.42 lacks marks and connectors. */
#define SPACES "\\t-\\r\\x20\\x85\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define WORDS  "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}" NEWER_W

static enum quire_status append(struct text *out, const char *string)
{
    return text_append(out, string, strlen(string));
}

/* Properties that mean more to Oniguruma: it knows newer characters, and a script's name is the script alone, where
 * PCRE2 adds its extensions. */
struct property {
    const char *name, *set;
};

#define CATEGORY(name) {#name, "\\p{" #name "}" NEWER_##name}
#define SCRIPT(name)   {#name, "\\p{sc:" #name "}"}
static const struct property properties[] = {
    CATEGORY(L),
    CATEGORY(N),
    CATEGORY(P),
    CATEGORY(S),
    CATEGORY(M),
    CATEGORY(Lu),
    CATEGORY(Ll),
    CATEGORY(Lm),
    CATEGORY(Lo),
    CATEGORY(Nd),
    {"Han", "\\p{sc:Han}" NEWER_Han},
    SCRIPT(Hiragana),
    SCRIPT(Katakana),
    SCRIPT(Hangul),
    SCRIPT(Latin),
    SCRIPT(Greek),
    SCRIPT(Cyrillic),
    SCRIPT(Arabic),
    SCRIPT(Hebrew),
    SCRIPT(Thai),
    SCRIPT(Lao),
    SCRIPT(Khmer),
    SCRIPT(Myanmar),
    SCRIPT(Tibetan),
    SCRIPT(Devanagari),
    SCRIPT(Bengali),
};

/* The property of an escape "p{L}" or "pL" at `escape`, and the bytes of the escape; NULL where it is none of these. */
static const struct property *property_of(const char *escape, size_t count, size_t *used)
{
    const char *name = escape + 1, *close = NULL;
    size_t bytes = 1;

    if ((escape[0] != 'p' && escape[0] != 'P') || count < 2)
        return NULL;
    if (escape[1] == '{') {
        close = memchr(escape, '}', count);
        if (close == NULL)
            return NULL;
        name = escape + 2;
        bytes = (size_t)(close - name);
    }
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
        if (strlen(properties[i].name) == bytes && memcmp(properties[i].name, name, bytes) == 0) {
            *used = (size_t)(name - escape) + bytes + (close != NULL ? 1 : 0);
            return &properties[i];
        }
    }
    return NULL;
}

/* Rewrites the escape at `escape` (the character behind a backslash); returns the bytes that it consumed in *used. */
static enum quire_status translate_escape(const char *escape, size_t count, bool in_class, struct text *out,
                                          size_t *used)
{
    static const struct {
        char letter;
        const char *outside, *inside;
    } sets[] = {
        /* There is no way to say "not" inside a class: there PCRE2's own sets must do. */
        {'s', "[" SPACES "]", SPACES}, {'S', "[^" SPACES "]", NULL},      {'w', "[" WORDS "]", WORDS},
        {'W', "[^" WORDS "]", NULL},   {'h', "[0-9a-fA-F]", "0-9a-fA-F"}, {'H', "[^0-9a-fA-F]", NULL},
    };

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        const char *set = in_class ? sets[i].inside : sets[i].outside;
        if (escape[0] == sets[i].letter && set != NULL) {
            *used = 1;
            return append(out, set);
        }
    }
    const struct property *property = property_of(escape, count, used);
    if (property != NULL && in_class && escape[0] == 'p')
        return append(out, property->set);
    if (property != NULL && !in_class) {
        if (append(out, escape[0] == 'P' ? "[^" : "[") != QUIRE_OK || append(out, property->set) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        return append(out, "]");
    }
    *used = 1;
    return text_append_byte(out, '\\', 1) != QUIRE_OK ? QUIRE_NO_MEMORY : text_append(out, escape, 1);
}

static enum quire_status translate(const char *expression, size_t count, struct text *out)
{
    bool in_class = false;
    size_t class_start = 0;

    for (size_t i = 0; i < count; i++) {
        char c = expression[i];
        if (c == '\\' && i + 1 < count) {
            size_t used;
            if (translate_escape(expression + i + 1, count - i - 1, in_class, out, &used) != QUIRE_OK)
                return QUIRE_NO_MEMORY;
            i += used;
            continue;
        }
        if (!in_class && c == '[') {
            in_class = true;
            class_start = i + 1 < count && expression[i + 1] == '^' ? i + 2 : i + 1;
        } else if (in_class && c == ']' && i > class_start) {
            in_class = false;
        }
        if (text_append_byte(out, c, 1) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

enum quire_status pattern_compile(const char *expression, size_t count, struct pattern **out, struct quire_error *error)
{
    enum quire_status status = QUIRE_NO_MEMORY;
    struct text translated = {0};
    struct pattern *pattern = calloc(1, sizeof *pattern);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    int code;
    size_t at;

    if (pattern == NULL || context == NULL || translate(expression, count, &translated) != QUIRE_OK ||
        text_append_byte(&translated, '\0', 1) != QUIRE_OK)
    {
        quire_fail(error, status, "out of memory");
        goto done;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pattern->code = pcre2_compile((PCRE2_SPTR)translated.bytes, translated.count - 1,
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code, &at,
                                  context);
    if (pattern->code == NULL) {
        PCRE2_UCHAR reason[128] = {0};
        pcre2_get_error_message(code, reason, sizeof reason);
        status = quire_fail(error, QUIRE_BAD_FILE, "the expression \"%.60s\" does not compile: %s", translated.bytes,
                            (char *)reason);
        goto done;
    }
    pattern->compiled = pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE) == 0;
    *out = pattern;
    pattern = NULL;
    status = QUIRE_OK;
done:
    pcre2_compile_context_free(context);
    text_deinit(&translated);
    pattern_destroy(pattern);
    return status;
}

enum quire_status pattern_literal(const char *bytes, size_t count, struct pattern **out)
{
    struct pattern *pattern = calloc(1, sizeof *pattern);

    if (pattern == NULL || (pattern->literal = malloc(count + 1)) == NULL) {
        free(pattern);
        return QUIRE_NO_MEMORY;
    }
    if (count > 0)
        memcpy(pattern->literal, bytes, count);
    pattern->literal_bytes = count;
    *out = pattern;
    return QUIRE_OK;
}

void pattern_destroy(struct pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_code_free(pattern->code);
    free(pattern->literal);
    free(pattern);
}

enum quire_status matcher_create(struct matcher **out)
{
    struct matcher *matcher = calloc(1, sizeof *matcher);

    if (matcher == NULL)
        return QUIRE_NO_MEMORY;
    matcher->match = pcre2_match_data_create(1, NULL);
    matcher->context = pcre2_match_context_create(NULL);
    matcher->stack = pcre2_jit_stack_create(STACK_BYTES_MIN, STACK_BYTES_MAX, NULL); /* NULL where there is no JIT */
    if (matcher->match == NULL || matcher->context == NULL) {
        matcher_destroy(matcher);
        return QUIRE_NO_MEMORY;
    }
    pcre2_set_match_limit(matcher->context, STEPS_MAX);
    pcre2_set_heap_limit(matcher->context, HEAP_KIB_MAX);
    if (matcher->stack != NULL)
        pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
    *out = matcher;
    return QUIRE_OK;
}

void matcher_destroy(struct matcher *matcher)
{
    if (matcher == NULL)
        return;
    pcre2_jit_stack_free(matcher->stack);
    pcre2_match_context_free(matcher->context);
    pcre2_match_data_free(matcher->match);
    free(matcher);
}

enum quire_status pattern_find(const struct pattern *pattern, struct matcher *matcher, const char *text, size_t count,
                               size_t from, size_t *start, size_t *end)
{
    int result = PCRE2_ERROR_JIT_STACKLIMIT;

    if (pattern->code == NULL) {
        const char *found = pattern->literal_bytes == 0
                                ? NULL
                                : memmem(text + from, count - from, pattern->literal, pattern->literal_bytes);
        if (found == NULL)
            return QUIRE_NOT_FOUND;
        *start = (size_t)(found - text);
        *end = *start + pattern->literal_bytes;
        return QUIRE_OK;
    }
    if (pattern->compiled)
        result = pcre2_jit_match(pattern->code, (PCRE2_SPTR)text, count, from, 0, matcher->match, matcher->context);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT)
        result = pcre2_match(pattern->code, (PCRE2_SPTR)text, count, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                             matcher->match, matcher->context);
    if (result == PCRE2_ERROR_NOMATCH)
        return QUIRE_NOT_FOUND;
    if (result < 0)
        return result == PCRE2_ERROR_NOMEMORY ? QUIRE_NO_MEMORY : QUIRE_LIMIT;
    const size_t *bounds = pcre2_get_ovector_pointer(matcher->match);
    *start = bounds[0];
    *end = bounds[1];
    return bounds[0] > bounds[1] || bounds[0] < from ? QUIRE_LIMIT : QUIRE_OK; /* \K in a look-around: refused */
}
