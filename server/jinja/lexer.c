/* Cuts a template into tokens, with trim_blocks and lstrip_blocks on. The rules are those of jinja2 3.1's lexer.
 * Thread: the compiling one. Owner: the parser. */
#include "ast.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

static _Noreturn void fail_at(struct jlexer *lexer, size_t at, const char *message)
{
    lexer->run->offset = (uint32_t)at;
    jfail(lexer->run, QUIRE_BAD_FILE, "%s", message);
}

static bool starts(const struct jlexer *lexer, size_t at, const char *text)
{
    size_t bytes = strlen(text);

    return lexer->bytes - at >= bytes && memcmp(lexer->source + at, text, bytes) == 0;
}

static size_t skip_space(const struct jlexer *lexer, size_t at)
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
static size_t tag_end(const struct jlexer *lexer, size_t at, const char *end)
{
    if (at < lexer->bytes && lexer->source[at] == '+')
        return starts(lexer, at + 1, end) ? at + 1 + 2 : SIZE_MAX;
    if (at < lexer->bytes && lexer->source[at] == '-')
        return starts(lexer, at + 1, end) ? skip_space(lexer, at + 1 + 2) : SIZE_MAX;
    if (!starts(lexer, at, end))
        return SIZE_MAX;
    at += 2;
    return at < lexer->bytes && lexer->source[at] == '\n' ? at + 1 : at;
}

static void end_tag(struct jlexer *lexer, size_t at)
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
    at = skip_space(lexer, at);
    if (!starts(lexer, at, "raw"))
        return false;
    at = skip_space(lexer, at + 3);
    if (starts(lexer, at, "-%}")) {
        *end = skip_space(lexer, at + 3);
        return true;
    }
    *end = at + 2;
    return starts(lexer, at, "%}");
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
        if (!starts(lexer, at, "{%"))
            continue;
        sign = at + 2 < lexer->bytes ? lexer->source[at + 2] : 0;
        name = skip_space(lexer, at + 2 + (sign == '-' || sign == '+'));
        if (!starts(lexer, name, "endraw"))
            continue;
        end = tag_end(lexer, skip_space(lexer, name + 6), "%}");
        if (end == SIZE_MAX)
            continue;
        /* After the raw tag no line starts: the reference looks at what it matched last. */
        lexer->line_starting = lexer->source[from - 1] == '\n';
        name = data_end(lexer, from, at, sign, false);
        end_tag(lexer, end);
        return data_token(lexer, token, from, name);
    }
    if (from < lexer->bytes) /* at the very end the reference lets it pass */
        fail_at(lexer, tag, "Missing end of raw directive");
    return false;
}

static void lex_comment(struct jlexer *lexer, size_t tag)
{
    for (size_t at = lexer->at; at < lexer->bytes; at++) {
        size_t end = tag_end(lexer, at, "#}");
        if (end != SIZE_MAX) {
            end_tag(lexer, end);
            return;
        }
    }
    if (lexer->at < lexer->bytes) /* at the very end the reference lets it pass */
        fail_at(lexer, tag, "Missing end of comment tag");
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
        if (starts(lexer, at, "{%") || starts(lexer, at, "{{") || starts(lexer, at, "{#"))
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

/* ---- inside of tags ---------------------------------------------------------------------------------------------- */

static bool is_digit(const struct jlexer *lexer, size_t at, int base)
{
    int c = at < lexer->bytes ? (unsigned char)lexer->source[at] : 0;
    int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 99;

    return digit < base;
}

/* Digits of `base`, single underscores between them; gives where they end. */
static size_t skip_digits(const struct jlexer *lexer, size_t at, int base)
{
    while (is_digit(lexer, at, base) ||
           (at < lexer->bytes && lexer->source[at] == '_' && is_digit(lexer, at + 1, base)))
        at++;
    return at;
}

static bool lex_float(struct jlexer *lexer, struct jtoken *token)
{
    size_t at = lexer->at, count = 0;
    bool fraction = false;
    char digits[400];

    if (!is_digit(lexer, at, 10) || (at > 0 && lexer->source[at - 1] == '.'))
        return false;
    at = skip_digits(lexer, at, 10);
    if (at < lexer->bytes && lexer->source[at] == '.' && is_digit(lexer, at + 1, 10)) {
        fraction = true;
        at = skip_digits(lexer, at + 1, 10);
    }
    if (at < lexer->bytes && (lexer->source[at] | 32) == 'e') {
        size_t power = at + 1;
        if (power < lexer->bytes && (lexer->source[power] == '+' || lexer->source[power] == '-'))
            power++;
        if (is_digit(lexer, power, 10)) {
            fraction = true;
            at = skip_digits(lexer, power, 10);
        }
    }
    if (!fraction)
        return false;
    for (size_t i = lexer->at; i < at; i++) {
        if (count + 1 == sizeof digits)
            fail_at(lexer, lexer->at, "a number of too many digits");
        if (lexer->source[i] != '_')
            digits[count++] = lexer->source[i];
    }
    digits[count] = 0;
    token->kind = JT_FLOAT;
    token->value = jfloat(strtod(digits, NULL));
    lexer->at = at;
    return true;
}

static bool lex_integer(struct jlexer *lexer, struct jtoken *token)
{
    size_t at = lexer->at, end;
    int base = 10;
    int64_t number = 0;

    if (!is_digit(lexer, at, 10))
        return false;
    if (lexer->source[at] == '0' && at + 1 < lexer->bytes) {
        char kind = (char)(lexer->source[at + 1] | 32);
        int other = kind == 'b' ? 2 : kind == 'o' ? 8 : kind == 'x' ? 16 : 10;
        size_t first = at + 2 + (at + 2 < lexer->bytes && lexer->source[at + 2] == '_');
        if (other != 10 && is_digit(lexer, first, other)) {
            base = other;
            at = first;
        }
    }
    /* A decimal number that begins with zero consists of zeros. */
    end = skip_digits(lexer, at, base == 10 && lexer->source[at] == '0' ? 1 : base);
    for (; at < end; at++) {
        int c = (unsigned char)lexer->source[at] | 32;
        if (lexer->source[at] == '_')
            continue;
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, c >= 'a' ? c - 'a' + 10 : lexer->source[at] - '0', &number))
            fail_at(lexer, lexer->at, "an integer beyond 64 bits");
    }
    token->kind = JT_INTEGER;
    token->value = jint(number);
    lexer->at = end;
    return true;
}

static bool lex_name(struct jlexer *lexer, struct jtoken *token)
{
    size_t at = lexer->at;

    while (at < lexer->bytes) {
        size_t next;
        uint32_t code = jchar_at(lexer->source, at, &next);
        if (code != '_' && !jchar_is_alnum(code) && (code < 0x300 || !jchar_has(code, JCHAR_IGNORABLE)))
            break;
        at = next;
    }
    if (at == lexer->at)
        return false;
    token->kind = JT_NAME;
    token->text = lexer->source + lexer->at;
    token->text_bytes = at - lexer->at;
    lexer->at = at;
    return true;
}

/* The digits of \x, \u and \U, or up to three octal ones. */
static uint32_t escape_number(struct jlexer *lexer, size_t *at, int base, size_t digits_min, size_t digits_max)
{
    uint32_t code = 0;
    size_t count = 0;

    for (; count < digits_max && is_digit(lexer, *at, base); count++, ++*at) {
        int c = (unsigned char)lexer->source[*at] | 32;
        code = code * (uint32_t)base + (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    if (count < digits_min || code > 0x10ffff)
        fail_at(lexer, lexer->at, "a broken escape in a string");
    if (code >= 0xd800 && code < 0xe000)
        fail_at(lexer, lexer->at, "half of a surrogate pair in a string");
    return code;
}

/* One escape; `at` is after the backslash. */
static size_t lex_escape(struct jlexer *lexer, size_t at, struct jbuilder *out)
{
    static const char letters[] = "abfnrtv\\'\"", meanings[] = "\a\b\f\n\r\t\v\\'\"";
    size_t next;
    uint32_t code = jchar_at(lexer->source, at, &next);
    const char *letter = code != 0 && code < 0x80 ? strchr(letters, (int)code) : NULL;
    char number[16];

    if (letter != NULL) {
        jbuilder_add(out, &meanings[letter - letters], 1, true);
    } else if (code == '\n') {
        /* a line continued */
    } else if (is_digit(lexer, at, 8)) {
        jbuilder_add_char(out, escape_number(lexer, &at, 8, 1, 3), true);
        return at;
    } else if (code == 'x' || code == 'u' || code == 'U') {
        size_t digits = code == 'x' ? 2 : code == 'u' ? 4 : 8;
        jbuilder_add_char(out, escape_number(lexer, &next, 16, digits, digits), true);
    } else if (code == 'N') {
        fail_at(lexer, lexer->at, "a character by its name in a string");
    } else if (code >= 0x80) {
        /* The reference turns it into an escape first, whose backslash is then the second of two. */
        snprintf(number, sizeof number, code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
        jbuilder_add_text(out, number);
    } else {
        jbuilder_add_text(out, "\\");
        jbuilder_add_char(out, code, true);
    }
    return next;
}

static bool lex_string(struct jlexer *lexer, struct jtoken *token)
{
    char quote = lexer->source[lexer->at];
    size_t at = lexer->at + 1, end = at;
    struct jbuilder out;

    if (quote != '\'' && quote != '"')
        return false;
    while (end < lexer->bytes && lexer->source[end] != quote)
        end += lexer->source[end] == '\\' ? 2 : 1;
    if (end >= lexer->bytes)
        fail_at(lexer, lexer->at, "a string that does not end");
    jbuilder_init(&out, lexer->run);
    while (at < end) {
        const char *backslash = memchr(lexer->source + at, '\\', end - at);
        size_t plain = backslash == NULL ? end : (size_t)(backslash - lexer->source);
        jbuilder_add(&out, lexer->source + at, plain - at, true);
        at = plain < end ? lex_escape(lexer, plain + 1, &out) : end;
    }
    token->kind = JT_STRING;
    token->value = jstr(jbuilder_string(&out));
    lexer->at = end + 1;
    return true;
}

static const struct {
    char text[3];
    char closing; /* bracket that it opens */
    bool closes;
    enum jtoken_kind kind;
} operators[] = {
    /* longest first */
    {"//", 0, false, JT_FLOORDIV}, {"**", 0, false, JT_POW},       {"==", 0, false, JT_EQ},      {"!=", 0, false, JT_NE},
    {">=", 0, false, JT_GE},       {"<=", 0, false, JT_LE},        {"+", 0, false, JT_ADD},      {"-", 0, false, JT_SUB},
    {"*", 0, false, JT_MUL},       {"/", 0, false, JT_DIV},        {"%", 0, false, JT_MOD},      {"~", 0, false, JT_TILDE},
    {"<", 0, false, JT_LT},        {">", 0, false, JT_GT},         {"=", 0, false, JT_ASSIGN},   {".", 0, false, JT_DOT},
    {":", 0, false, JT_COLON},     {"|", 0, false, JT_PIPE},       {",", 0, false, JT_COMMA},    {";", 0, false, JT_SEMICOLON},
    {"(", ')', false, JT_LPAREN},  {")", 0, true, JT_RPAREN},      {"[", ']', false, JT_LBRACKET},
    {"]", 0, true, JT_RBRACKET},   {"{", '}', false, JT_LBRACE},   {"}", 0, true, JT_RBRACE},
};

static void lex_operator(struct jlexer *lexer, struct jtoken *token)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!starts(lexer, lexer->at, operators[i].text))
            continue;
        if (operators[i].closing != 0) {
            if (lexer->bracket_count == LEXER_BRACKETS_MAX)
                jfail(lexer->run, QUIRE_LIMIT, "brackets nested more than %u deep", LEXER_BRACKETS_MAX);
            lexer->brackets[lexer->bracket_count++] = operators[i].closing;
        } else if (operators[i].closes) {
            if (lexer->bracket_count == 0 || lexer->brackets[--lexer->bracket_count] != operators[i].text[0])
                jfail(lexer->run, QUIRE_BAD_FILE, "unexpected '%s'", operators[i].text);
        }
        token->kind = operators[i].kind;
        lexer->at += strlen(operators[i].text);
        return;
    }
    fail_at(lexer, lexer->at, "unexpected character");
}

/* One step inside of a tag; false after the end of the template. */
static bool lex_code(struct jlexer *lexer, struct jtoken *token)
{
    lexer->at = skip_space(lexer, lexer->at);
    if (lexer->bracket_count == 0) {
        bool block = lexer->mode == JLEX_BLOCK;
        size_t end = SIZE_MAX;
        if (block)
            end = tag_end(lexer, lexer->at, "%}");
        else if (starts(lexer, lexer->at, "-}}"))
            end = skip_space(lexer, lexer->at + 3);
        else if (starts(lexer, lexer->at, "}}"))
            end = lexer->at + 2;
        if (end != SIZE_MAX) {
            *token = (struct jtoken){.kind = block ? JT_BLOCK_END : JT_PRINT_END, .offset = (uint32_t)lexer->at};
            end_tag(lexer, end);
            lexer->mode = JLEX_DATA;
            return true;
        }
    }
    if (lexer->at >= lexer->bytes)
        return false;
    *token = (struct jtoken){.offset = (uint32_t)lexer->at};
    lexer->run->offset = token->offset;
    if (!lex_float(lexer, token) && !lex_integer(lexer, token) && !lex_name(lexer, token) && !lex_string(lexer, token))
        lex_operator(lexer, token);
    return true;
}

void jlexer_next(struct jlexer *lexer, struct jtoken *token)
{
    jrun_charge(lexer->run, 1);
    for (;;) {
        if (lexer->mode != JLEX_DATA) {
            if (lex_code(lexer, token))
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

const char *jtoken_name(enum jtoken_kind kind)
{
    static const char *const names[] = {
        [JT_END] = "end of template",          [JT_DATA] = "template data",
        [JT_PRINT_BEGIN] = "begin of print statement", [JT_PRINT_END] = "end of print statement",
        [JT_BLOCK_BEGIN] = "begin of statement block", [JT_BLOCK_END] = "end of statement block",
        [JT_NAME] = "name", [JT_STRING] = "string", [JT_INTEGER] = "integer", [JT_FLOAT] = "float",
    };

    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (operators[i].kind == kind)
            return operators[i].text;
    }
    return names[kind];
}
