/* Patterns of tokenizer files. Thread: a pattern is immutable; a matcher belongs to one thread. Owner: tokenizer.
 * Hugging Face's tokenizers run these expressions with Oniguruma; the dialects differ in the sets that \s, \w and
 * script names mean, so those are spelled out before PCRE2 compiles them. */
#include "pattern.h"

#include "dialect.h"
#include "quote.h"
#include "unicode.h"

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

enum quire_status pattern_compile(const char *expression, size_t count, struct pattern **out, struct quire_error *error)
{
    enum quire_status status = QUIRE_NO_MEMORY;
    struct text translated = {0};
    struct pattern *pattern = calloc(1, sizeof *pattern);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    int code;
    size_t at;

    if (pattern != NULL && context != NULL)
        status = dialect_translate(expression, count, &translated);
    if (status == QUIRE_OK)
        status = text_append_byte(&translated, '\0', 1);
    if (status != QUIRE_OK) {
        status = status == QUIRE_LIMIT ? quire_fail(error, QUIRE_BAD_FILE, "an expression is nested too deep")
                                       : quire_fail(error, status, "no memory left for an expression");
        goto done;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pattern->code = pcre2_compile((PCRE2_SPTR)translated.bytes, translated.count - 1,
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code, &at,
                                  context);
    if (pattern->code == NULL) {
        PCRE2_UCHAR reason[128] = {0};
        struct quote quote;
        pcre2_get_error_message(code, reason, sizeof reason);
        status = quire_fail(error, QUIRE_BAD_FILE, "the expression \"%s\" does not compile: %s",
                            quote_name(&quote, expression, count), (char *)reason);
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
                                ? text + from /* as an empty expression */
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

enum quire_status pattern_next(const struct pattern *pattern, struct matcher *matcher, const char *text, size_t count,
                               struct pattern_walk *walk, size_t *start, size_t *end)
{
    while (walk->search <= count) {
        enum quire_status status = pattern_find(pattern, matcher, text, count, walk->search, start, end);
        if (status != QUIRE_OK)
            return status;
        if (*start < *end || !walk->found || *end != walk->end) {
            *walk = (struct pattern_walk){.search = *end, .end = *end, .found = true};
            return QUIRE_OK;
        }
        walk->search += walk->search < count ? utf8_length(text[walk->search]) : 1;
    }
    return QUIRE_NOT_FOUND;
}
