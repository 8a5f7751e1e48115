/* The tokens inside of tags: names, numbers, strings, operators, and the end of the tag.
 * Thread: the compiling one. Owner: the parser. */
#include "lexer.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

static bool is_digit(const struct jlexer *lexer, size_t at, int base)
{
    return at < lexer->bytes && jdigit_value(lexer->source[at]) < base;
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
            jlexer_fail(lexer, lexer->at, "a number of too many digits");
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
        if (lexer->source[at] == '_')
            continue;
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, jdigit_value(lexer->source[at]), &number))
            jlexer_fail(lexer, lexer->at, "an integer beyond 64 bits");
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

    for (; count < digits_max && is_digit(lexer, *at, base); count++, ++*at)
        code = code * (uint32_t)base + (uint32_t)jdigit_value(lexer->source[*at]);
    if (count < digits_min || code > 0x10ffff)
        jlexer_fail(lexer, lexer->at, "a broken escape in a string");
    if (code >= 0xd800 && code < 0xe000)
        jlexer_fail(lexer, lexer->at, "half of a surrogate pair in a string");
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
        jlexer_fail(lexer, lexer->at, "a character by its name in a string");
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
        jlexer_fail(lexer, lexer->at, "a string that does not end");
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
    enum jtoken_kind kind;
} operators[] = {
    /* longest first */
    {"//", JT_FLOORDIV}, {"**", JT_POW}, {"==", JT_EQ}, {"!=", JT_NE}, {">=", JT_GE}, {"<=", JT_LE},
    {"+", JT_ADD}, {"-", JT_SUB}, {"*", JT_MUL}, {"/", JT_DIV}, {"%", JT_MOD}, {"~", JT_TILDE}, {"<", JT_LT},
    {">", JT_GT}, {"=", JT_ASSIGN}, {".", JT_DOT}, {":", JT_COLON}, {"|", JT_PIPE}, {",", JT_COMMA},
    {";", JT_SEMICOLON}, {"(", JT_LPAREN}, {")", JT_RPAREN}, {"[", JT_LBRACKET}, {"]", JT_RBRACKET},
    {"{", JT_LBRACE}, {"}", JT_RBRACE},
};

/* Brackets must be balanced: a tag does not end inside of them. */
static void count_brackets(struct jlexer *lexer, char bracket)
{
    static const char opening[] = "([{", closing[] = ")]}";
    const char *opened = strchr(opening, bracket);

    if (opened != NULL) {
        if (lexer->bracket_count == LEXER_BRACKETS_MAX)
            jfail(lexer->run, QUIRE_LIMIT, "brackets nested more than %u deep", LEXER_BRACKETS_MAX);
        lexer->brackets[lexer->bracket_count++] = closing[opened - opening];
    } else if (strchr(closing, bracket) != NULL) {
        if (lexer->bracket_count == 0)
            jfail(lexer->run, QUIRE_BAD_FILE, "unexpected '%c'", bracket);
        if (lexer->brackets[--lexer->bracket_count] != bracket)
            jfail(lexer->run, QUIRE_BAD_FILE, "unexpected '%c', expected '%c'", bracket,
                  lexer->brackets[lexer->bracket_count]);
    }
}

static void lex_operator(struct jlexer *lexer, struct jtoken *token)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!jlexer_starts(lexer, lexer->at, operators[i].text))
            continue;
        count_brackets(lexer, operators[i].text[0]);
        token->kind = operators[i].kind;
        lexer->at += strlen(operators[i].text);
        return;
    }
    jlexer_fail(lexer, lexer->at, "unexpected character");
}

/* One step inside of a tag; false after the end of the template. */
bool jlexer_code(struct jlexer *lexer, struct jtoken *token)
{
    lexer->at = jlexer_skip_space(lexer, lexer->at);
    if (lexer->bracket_count == 0) {
        bool block = lexer->mode == JLEX_BLOCK;
        size_t end = SIZE_MAX;
        if (block)
            end = jlexer_tag_end(lexer, lexer->at, "%}");
        else if (jlexer_starts(lexer, lexer->at, "-}}"))
            end = jlexer_skip_space(lexer, lexer->at + 3);
        else if (jlexer_starts(lexer, lexer->at, "}}"))
            end = lexer->at + 2;
        if (end != SIZE_MAX) {
            *token = (struct jtoken){.kind = block ? JT_BLOCK_END : JT_PRINT_END, .offset = (uint32_t)lexer->at};
            jlexer_end_tag(lexer, end);
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
