/* Cuts a template into tokens, with trim_blocks and lstrip_blocks on. The rules are those of jinja2 3.1's lexer.
 * Thread: the compiling one. Owner: the parser. */
#include "lexer.h"
#include "unicode.h"

#include <string.h>

_Noreturn void jlexer_fail(struct jlexer *lexer, size_t at, const char *message)
{
    lexer->run->offset = (uint32_t)at;
    jfail(lexer->run, QUIRE_BAD_FILE, "%s", message);
}

bool jlexer_starts(const struct jlexer *lexer, size_t at, const char *text)
{
    size_t bytes = strlen(text);

    return lexer->bytes - at >= bytes && memcmp(lexer->source + at, text, bytes) == 0;
}

size_t jlexer_skip_space(const struct jlexer *lexer, size_t at)
{
    while (at < lexer->bytes) {
        size_t next;
        if (!jchar_has(jchar_at(lexer->source, at, &next), JCHAR_SPACE))
            break;
        at = next;
    }
    return at;
}

static size_t skip_space_back(const struct jlexer *lexer, size_t from, size_t at)
{
    while (at > from) {
        size_t start;
        if (!jchar_has(jchar_before(lexer->source, at, &start), JCHAR_SPACE))
            break;
        at = start;
    }
    return at;
}

/* The end of a block, comment or raw tag at `at` ("+%}", "-%}" and what space follows, "%}" and one newline): where the
 * text goes on, or SIZE_MAX where there is none. */
size_t jlexer_tag_end(const struct jlexer *lexer, size_t at, const char *end)
{
    if (at < lexer->bytes && lexer->source[at] == '+')
        return jlexer_starts(lexer, at + 1, end) ? at + 1 + 2 : SIZE_MAX;
    if (at < lexer->bytes && lexer->source[at] == '-')
        return jlexer_starts(lexer, at + 1, end) ? jlexer_skip_space(lexer, at + 1 + 2) : SIZE_MAX;
    if (!jlexer_starts(lexer, at, end))
        return SIZE_MAX;
    at += 2;
    return at < lexer->bytes && lexer->source[at] == '\n' ? at + 1 : at;
}

void jlexer_end_tag(struct jlexer *lexer, size_t at)
{
    lexer->at = at;
    lexer->line_starting = lexer->source[at - 1] == '\n';
}

/* Where the data [from, to) before a tag ends, once the tag's sign and lstrip_blocks have taken their share. */
static size_t data_end(const struct jlexer *lexer, size_t from, size_t to, char sign, bool print)
{
    size_t line;

    if (sign == '-')
        return skip_space_back(lexer, from, to);
    if (sign == '+' || print)
        return to;
    line = to;
    while (line > from && lexer->source[line - 1] != '\n')
        line--;
    if ((line > from || lexer->line_starting) && skip_space_back(lexer, line, to) == line)
        return line;
    return to;
}

/* Whether a raw tag begins at `at`; `*end` is where its text begins. */
static bool raw_begins(const struct jlexer *lexer, size_t at, size_t *end)
{
    at += 2;
    if (at < lexer->bytes && (lexer->source[at] == '-' || lexer->source[at] == '+'))
        at++;
    at = jlexer_skip_space(lexer, at);
    if (!jlexer_starts(lexer, at, "raw"))
        return false;
    at = jlexer_skip_space(lexer, at + 3);
    if (jlexer_starts(lexer, at, "-%}")) {
        *end = jlexer_skip_space(lexer, at + 3);
        return true;
    }
    *end = at + 2;
    return jlexer_starts(lexer, at, "%}");
}

static bool data_token(struct jlexer *lexer, struct jtoken *token, size_t from, size_t to)
{
    *token = (struct jtoken){.kind = JT_DATA,
                             .offset = (uint32_t)from,
                             .text = lexer->source + from,
                             .text_bytes = to - from};
    return to > from;
}

/* The text of a raw block from lexer->at on. */
static bool lex_raw(struct jlexer *lexer, struct jtoken *token, size_t tag)
{
    size_t from = lexer->at;

    for (size_t at = from; at < lexer->bytes; at++) {
        size_t name, end;
        char sign;
        if (!jlexer_starts(lexer, at, "{%"))
            continue;
        sign = at + 2 < lexer->bytes ? lexer->source[at + 2] : 0;
        name = jlexer_skip_space(lexer, at + 2 + (sign == '-' || sign == '+'));
        if (!jlexer_starts(lexer, name, "endraw"))
            continue;
        end = jlexer_tag_end(lexer, jlexer_skip_space(lexer, name + 6), "%}");
        if (end == SIZE_MAX)
            continue;
        /* After the raw tag no line starts: the reference looks at what it matched last. */
        lexer->line_starting = lexer->source[from - 1] == '\n';
        name = data_end(lexer, from, at, sign, false);
        jlexer_end_tag(lexer, end);
        return data_token(lexer, token, from, name);
    }
    if (from < lexer->bytes) /* at the very end the reference lets it pass */
        jlexer_fail(lexer, tag, "Missing end of raw directive");
    return false;
}

static void lex_comment(struct jlexer *lexer, size_t tag)
{
    for (size_t at = lexer->at; at < lexer->bytes; at++) {
        size_t end = jlexer_tag_end(lexer, at, "#}");
        if (end != SIZE_MAX) {
            jlexer_end_tag(lexer, end);
            return;
        }
    }
    if (lexer->at < lexer->bytes) /* at the very end the reference lets it pass */
        jlexer_fail(lexer, tag, "Missing end of comment tag");
}

/* One step in the text outside of tags; true where it gave a token. */
static bool lex_data(struct jlexer *lexer, struct jtoken *token)
{
    size_t from = lexer->at, at = from, raw_end;
    char sign;
    bool print;

    while (at < lexer->bytes) {
        const char *brace = memchr(lexer->source + at, '{', lexer->bytes - at);
        at = brace == NULL ? lexer->bytes : (size_t)(brace - lexer->source);
        if (jlexer_starts(lexer, at, "{%") || jlexer_starts(lexer, at, "{{") || jlexer_starts(lexer, at, "{#"))
            break;
        at += at < lexer->bytes;
    }
    if (at == lexer->bytes) {
        lexer->at = at;
        return data_token(lexer, token, from, at);
    }
    sign = at + 2 < lexer->bytes ? lexer->source[at + 2] : 0;
    print = lexer->source[at + 1] == '{';
    if (!lexer->tag_pending) {
        lexer->tag_pending = true;
        if (data_token(lexer, token, from, data_end(lexer, from, at, sign, print))) {
            lexer->at = at; /* the tag comes with the next call */
            return true;
        }
    }
    lexer->tag_pending = false;
    lexer->line_starting = false;
    if (lexer->source[at + 1] == '%' && raw_begins(lexer, at, &raw_end)) {
        lexer->at = raw_end;
        return lex_raw(lexer, token, at);
    }
    lexer->at = at + 2 + (sign == '-' || sign == '+');
    if (lexer->source[at + 1] == '#') {
        lex_comment(lexer, at);
        return false;
    }
    lexer->mode = print ? JLEX_PRINT : JLEX_BLOCK;
    *token = (struct jtoken){.kind = print ? JT_PRINT_BEGIN : JT_BLOCK_BEGIN, .offset = (uint32_t)at};
    return true;
}

void jlexer_next(struct jlexer *lexer, struct jtoken *token)
{
    jrun_charge(lexer->run, 1);
    for (;;) {
        if (lexer->mode != JLEX_DATA) {
            if (jlexer_code(lexer, token))
                return;
            break;
        }
        if (lexer->at >= lexer->bytes)
            break;
        if (lex_data(lexer, token))
            return;
    }
    *token = (struct jtoken){.kind = JT_END, .offset = (uint32_t)lexer->bytes};
}
