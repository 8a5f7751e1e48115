/* str() and repr() of every value, byte for byte as Python writes them.
 * Thread: its run's. Owner: the run. */
#include "ast.h"
#include "unicode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* Writes the shortest digits that read back as the same number, in the form d.ddde+dd. */
static void shortest_digits(double real, char *out, size_t out_max)
{
    /* Fifteen digits hold any decimal that has no more; the zeros at the end of one that has less are cut off. Numbers
     * that are not normal hold less, so there each length is tried. */
    int precision = fpclassify(real) == FP_SUBNORMAL ? 0 : 14, power;
    char *exponent, *digits_end;

    for (; precision < 17; precision++) {
        snprintf(out, out_max, "%.*e", precision, real);
        if (strtod(out, NULL) == real)
            break;
        /* Above a power of two numbers lie twice as far apart as below it: the next digit up may do where the nearest
         * one is too low. */
        if (precision == 15 && frexp(real, &power) == 0.5 && out[16] != '9') {
            out[16]++;
            if (strtod(out, NULL) == real)
                break;
        }
    }
    exponent = strchr(out, 'e');
    digits_end = exponent;
    while (digits_end > out + 2 && digits_end[-1] == '0')
        digits_end--;
    digits_end -= digits_end == out + 2; /* the point */
    memmove(digits_end, exponent, strlen(exponent) + 1);
}

/* Exponents below -4 and from 16 on are written out. */
size_t jfloat_repr(double real, char out[40])
{
    char digits[40], *exponent_at;
    int exponent, count;
    size_t length = 0;

    if (isnan(real) || isinf(real))
        return (size_t)snprintf(out, 40, "%s", isnan(real) ? "nan" : real > 0 ? "inf" : "-inf");
    shortest_digits(fabs(real), digits, sizeof digits);
    exponent_at = strchr(digits, 'e');
    exponent = atoi(exponent_at + 1);
    *exponent_at = 0;
    if (digits[1] != 0)
        memmove(digits + 1, digits + 2, strlen(digits + 2) + 1); /* without the point */
    count = (int)strlen(digits);
    if (signbit(real))
        out[length++] = '-';
    if (exponent < -4 || exponent >= 16)
        return length + (size_t)snprintf(out + length, 40 - length, "%c%s%se%c%02d", digits[0], count > 1 ? "." : "",
                                         digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
    if (exponent < 0)
        return length + (size_t)snprintf(out + length, 40 - length, "0.%.*s%s", -exponent - 1, "000", digits);
    if (count <= exponent + 1)
        return length + (size_t)snprintf(out + length, 40 - length, "%s%.*s.0", digits, exponent + 1 - count,
                                         "0000000000000000");
    return length + (size_t)snprintf(out + length, 40 - length, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
}

static void add_float(struct jbuilder *out, double real)
{
    char text[40];

    jrun_charge(out->run, 40);
    jbuilder_add(out, text, jfloat_repr(real, text), true);
}

static void add_int(struct jbuilder *out, int64_t integer)
{
    char text[24];

    jbuilder_add(out, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)integer), true);
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

static void add_quoted_char(struct jbuilder *out, uint32_t code, char quote, bool trusted)
{
    char text[12];

    if (code == '\\' || code == (uint32_t)quote)
        snprintf(text, sizeof text, "\\%c", (int)code);
    else if (code == '\n' || code == '\r' || code == '\t')
        snprintf(text, sizeof text, "\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
    else if (code < 0x100)
        snprintf(text, sizeof text, "\\x%02x", code);
    else
        snprintf(text, sizeof text, code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
    jbuilder_add(out, text, strlen(text), trusted);
}

static void add_quoted(struct jbuilder *out, const struct jstring *string)
{
    char quote = memchr(string->bytes, '\'', string->count) != NULL && memchr(string->bytes, '"', string->count) == NULL
                     ? '"'
                     : '\'';
    size_t at = 0, plain = 0, next;

    jrun_charge_bytes(out->run, string->count * 2);
    if (string->markup)
        jbuilder_add_text(out, "Markup(");
    jbuilder_add(out, &quote, 1, true);
    for (; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        if (code != '\\' && code != (uint32_t)quote &&
            (code < 0x7f ? code >= ' ' : jchar_has(code, JCHAR_PRINTABLE)))
            continue;
        jbuilder_add_part(out, string, plain, at);
        add_quoted_char(out, code, quote, jstring_trusted_at(string, at));
        plain = next;
    }
    jbuilder_add_part(out, string, plain, string->count);
    jbuilder_add(out, &quote, 1, true);
    if (string->markup)
        jbuilder_add_text(out, ")");
}

void jadd_json_string(struct jbuilder *out, const struct jstring *string, bool ascii)
{
    static const char letters[] = "\b\f\n\r\t\"\\", meanings[] = "bfnrt\"\\";
    size_t plain = 0, next;

    jbuilder_add(out, "\"", 1, true);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        const char *letter = code != 0 && code < 0x80 ? strchr(letters, (int)code) : NULL;
        char text[16];
        if (letter == NULL && code >= ' ' && (!ascii || code < 0x7f))
            continue;
        if (letter != NULL)
            snprintf(text, sizeof text, "\\%c", meanings[letter - letters]);
        else if (code < 0x10000)
            snprintf(text, sizeof text, "\\u%04x", code);
        else
            snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                     0xdc00 + ((code - 0x10000) & 0x3ff));
        jbuilder_add_part(out, string, plain, at);
        jbuilder_add(out, text, strlen(text), jstring_trusted_at(string, at));
        plain = next;
    }
    jbuilder_add_part(out, string, plain, string->count);
    jbuilder_add(out, "\"", 1, true);
}

void jadd_ascii(struct jbuilder *out, struct jvalue value)
{
    const struct jstring *text;
    struct jbuilder repr;
    size_t next;

    jbuilder_init(&repr, out->run);
    jadd_repr(&repr, value);
    text = jbuilder_string(&repr);
    for (size_t at = 0; at < text->count; at = next) {
        uint32_t code = jchar_at(text->bytes, at, &next);
        if (code < 0x80)
            jbuilder_add_part(out, text, at, next);
        else
            add_quoted_char(out, code, 0, jstring_trusted_at(text, at));
    }
}

/* ---- containers -------------------------------------------------------------------------------------------------- */

static void add_items(struct jbuilder *out, const struct jlist *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            jbuilder_add_text(out, ", ");
        jadd_repr(out, list->items[i]);
    }
}

/* The entries of a dictionary, or what a view shows of them. */
static void add_entries(struct jbuilder *out, const struct jdict *dict, enum jkind kind)
{
    for (size_t i = 0; i < dict->count; i++) {
        if (i > 0)
            jbuilder_add_text(out, ", ");
        if (kind == J_ITEMS)
            jbuilder_add_text(out, "(");
        if (kind != J_VALUES)
            jadd_repr(out, dict->entries[i].key);
        if (kind == J_DICT || kind == J_ITEMS)
            jbuilder_add_text(out, kind == J_DICT ? ": " : ", ");
        if (kind != J_KEYS)
            jadd_repr(out, dict->entries[i].value);
        if (kind == J_ITEMS)
            jbuilder_add_text(out, ")");
    }
}

static void add_range(struct jbuilder *out, const struct jrange *range)
{
    jbuilder_add_text(out, "range(");
    add_int(out, range->start);
    jbuilder_add_text(out, ", ");
    add_int(out, range->stop);
    if (range->step != 1) {
        jbuilder_add_text(out, ", ");
        add_int(out, range->step);
    }
    jbuilder_add_text(out, ")");
}

static void add_loop(struct jbuilder *out, struct jloop *loop)
{
    jbuilder_add_text(out, "<LoopContext ");
    add_int(out, loop->index0 + 1);
    jbuilder_add_text(out, "/");
    add_int(out, jlength(out->run, (struct jvalue){.kind = J_LOOP, .as.loop = loop}));
    jbuilder_add_text(out, ">");
}

static void add_macro(struct jbuilder *out, const struct jmacro *macro)
{
    jbuilder_add_text(out, "<Macro ");
    if (macro->node->kind == JN_MACRO)
        add_quoted(out, macro->node->as.macro.target->as.name.symbol->text);
    else
        jbuilder_add_text(out, "anonymous");
    jbuilder_add_text(out, ">");
}

static void add_other(struct jbuilder *out, struct jvalue value)
{
    switch (value.kind) {
    case J_LIST:
        jbuilder_add_text(out, "[");
        add_items(out, value.as.list);
        jbuilder_add_text(out, "]");
        return;
    case J_TUPLE:
    case J_GROUP:
        jbuilder_add_text(out, "(");
        add_items(out, value.as.list);
        jbuilder_add_text(out, value.as.list->count == 1 ? ",)" : ")");
        return;
    case J_DICT:
        jbuilder_add_text(out, "{");
        add_entries(out, value.as.dict, J_DICT);
        jbuilder_add_text(out, "}");
        return;
    case J_KEYS:
    case J_VALUES:
    case J_ITEMS:
        jbuilder_add_text(out, jtype_name(value));
        jbuilder_add_text(out, "([");
        add_entries(out, value.as.dict, value.kind);
        jbuilder_add_text(out, "])");
        return;
    case J_NAMESPACE:
        jbuilder_add_text(out, "<Namespace {");
        add_entries(out, value.as.dict, J_DICT);
        jbuilder_add_text(out, "}>");
        return;
    case J_RANGE:
        add_range(out, value.as.range);
        return;
    case J_LOOP:
        add_loop(out, value.as.loop);
        return;
    case J_MACRO:
        add_macro(out, value.as.macro);
        return;
    case J_SELF:
        jbuilder_add_text(out, "<TemplateReference None>");
        return;
    default: /* the reference writes an address, so no template can depend on it */
        jbuilder_add_text(out, "<");
        jbuilder_add_text(out, jtype_name(value));
        jbuilder_add_text(out, " object>");
        return;
    }
}

void jadd_repr(struct jbuilder *out, struct jvalue value)
{
    jrun_charge(out->run, 1);
    switch (value.kind) {
    case J_UNDEFINED:
        jbuilder_add_text(out, "Undefined");
        return;
    case J_NONE:
        jbuilder_add_text(out, "None");
        return;
    case J_BOOL:
        jbuilder_add_text(out, value.as.boolean ? "True" : "False");
        return;
    case J_INT:
        add_int(out, value.as.integer);
        return;
    case J_FLOAT:
        add_float(out, value.as.real);
        return;
    case J_STRING:
        add_quoted(out, value.as.string);
        return;
    default:
        jrun_enter(out->run);
        add_other(out, value);
        jrun_leave(out->run);
        return;
    }
}

void jadd_str(struct jbuilder *out, struct jvalue value)
{
    if (value.kind == J_STRING)
        jbuilder_add_string(out, value.as.string);
    else if (value.kind != J_UNDEFINED)
        jadd_repr(out, value);
}

const struct jstring *jto_string(struct jrun *run, struct jvalue value)
{
    struct jbuilder text;

    if (value.kind == J_STRING)
        return value.as.string;
    jbuilder_init(&text, run);
    jadd_str(&text, value);
    return jbuilder_string(&text);
}
