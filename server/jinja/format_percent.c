/* "%s" % arguments. Thread: the run's. Owner: the run. */
#include "format.h"

#include <math.h>

struct percent {
    struct jrun *run;
    const struct jstring *format;
    size_t at;
    const struct jvalue *args; /* positional */
    size_t count, used;
    struct jvalue mapping;
};

static struct jvalue next_argument(struct percent *p)
{
    if (p->used >= p->count)
        jraise(p->run, "not enough arguments for format string");
    return p->args[p->used++];
}

static struct jvalue named_argument(struct percent *p)
{
    size_t start = ++p->at, depth = 1;
    const struct jvalue *value;

    for (; p->at < p->format->count; p->at++) {
        depth += p->format->bytes[p->at] == '(';
        depth -= p->format->bytes[p->at] == ')';
        if (depth == 0)
            break;
    }
    if (depth != 0)
        jraise(p->run, "incomplete format key");
    if (p->mapping.kind != J_DICT)
        jraise(p->run, "format requires a mapping");
    value = jdict_get_string(p->run, p->mapping.as.dict, jstring_part(p->run, p->format, start, p->at));
    if (value == NULL)
        jraise(p->run, "no such key for the format string");
    p->at++;
    p->used = p->count;
    return *value;
}

/* A number in the format, or * for one from the arguments. */
static int64_t percent_number(struct percent *p, int64_t otherwise)
{
    int64_t number;

    if (p->at < p->format->count && p->format->bytes[p->at] == '*') {
        p->at++;
        return jint_of(p->run, next_argument(p), "*");
    }
    return jspec_parse_digits(p->format, &p->at, &number) ? number : otherwise;
}

static void percent_field(struct percent *p, struct jbuilder *out, struct jspec *spec, struct jvalue value)
{
    struct jrun *run = p->run;
    const struct jstring *text;
    struct jbuilder repr;

    switch (spec->type) {
    case 's':
    case 'r':
    case 'a':
        if (spec->type == 's') {
            text = jto_string(run, value);
        } else {
            jbuilder_init(&repr, run);
            (spec->type == 'r' ? jadd_repr : jadd_ascii)(&repr, value);
            text = jbuilder_string(&repr);
        }
        if (p->format->markup)
            text = jescape(run, jstr(text));
        if (spec->precision >= 0)
            text = jstring_part(run, text, 0, jstring_offset(run, text, (size_t)spec->precision));
        spec->fill = ' ';
        if (spec->align == '=')
            spec->align = '>';
        jspec_add_padded(out, jstring_new(run, "", 0, true), text, spec, '>');
        return;
    case 'c':
        if (value.kind == J_STRING && value.as.string->chars == 1)
            jspec_add_padded(out, jstring_new(run, "", 0, true), value.as.string, spec, '>');
        else if (jvalue_is_integral(value))
            jspec_add_char(out, jint_of(run, value, "%c"),
                           &(struct jspec){.fill = ' ',
                                           .width = spec->width,
                                           .precision = -1,
                                           .align = spec->align == '<' ? '<' : '>'});
        else
            jraise(run, "%%c requires int or char");
        return;
    default:
        break;
    }
    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (!jvalue_is_number(value) || (value.kind == J_FLOAT && jspec_one_of("xXo", spec->type)))
        jraise(run, "%%%c format: a real number is required, not %s", spec->type, jtype_name(value));
    if (jspec_one_of("diuxXo", spec->type)) {
        double whole = value.kind == J_FLOAT ? trunc(value.as.real) : 0.0;
        if (!isfinite(whole))
            jraise(run, "cannot convert float infinity or NaN to integer");
        if (!(whole >= -9.2e18 && whole <= 9.2e18))
            jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
        jspec_add_integer(out, value.kind == J_FLOAT ? (int64_t)whole : jint_of(run, value, "%d"), spec);
    } else {
        jspec_add_real(out, jdouble_of(value), spec);
    }
}

/* One specification, `at` after the percent sign. */
static void percent_spec(struct percent *p, struct jbuilder *out)
{
    struct jspec spec = {.fill = ' ', .width = -1, .precision = -1};
    struct jvalue value = jmissing();
    const struct jstring *format = p->format;

    if (p->at < format->count && format->bytes[p->at] == '(')
        value = named_argument(p);
    for (; p->at < format->count && jspec_one_of("#0- +", format->bytes[p->at]); p->at++) {
        char flag = format->bytes[p->at];
        spec.alternate = spec.alternate || flag == '#';
        spec.zero = spec.zero || flag == '0';
        if (flag == '-')
            spec.align = '<';
        if (flag == '+' || (flag == ' ' && spec.sign == 0))
            spec.sign = flag;
    }
    spec.width = percent_number(p, -1);
    if (spec.width < -1) {
        spec.align = '<';
        spec.width = -spec.width;
    }
    if (p->at < format->count && format->bytes[p->at] == '.') {
        p->at++;
        spec.precision = percent_number(p, 0);
        spec.precision = spec.precision < 0 ? 0 : spec.precision;
    }
    while (p->at < format->count && jspec_one_of("hlL", format->bytes[p->at]))
        p->at++;
    if (p->at == format->count)
        jraise(p->run, "incomplete format");
    spec.type = format->bytes[p->at++];
    if (spec.type == '%') {
        jbuilder_add_part(out, format, p->at - 1, p->at);
        return;
    }
    if (!jspec_one_of("sracdiuxXoeEfFgG", spec.type)) {
        uint32_t c = jchar_at(format->bytes, p->at - 1, &p->at);
        jraise(p->run, "unsupported format character '%c' (0x%x)", c >= ' ' && c < 0x7f ? (char)c : '?', c);
    }
    if (spec.zero && spec.align == 0) {
        spec.align = '=';
        spec.fill = '0';
    }
    percent_field(p, out, &spec, value.kind != J_MISSING ? value : next_argument(p));
}

const struct jstring *jformat_percent(struct jrun *run, const struct jstring *format, struct jvalue arguments)
{
    struct percent p = {.run = run, .format = format, .mapping = arguments, .args = &arguments, .count = 1};
    struct jbuilder out;

    if (jvalue_is_tuple(arguments)) {
        p.args = arguments.as.list->items;
        p.count = arguments.as.list->count;
    }
    jrun_charge_bytes(run, format->count);
    jbuilder_init(&out, run);
    while (p.at < format->count) {
        const char *percent = memchr(format->bytes + p.at, '%', format->count - p.at);
        size_t plain = percent == NULL ? format->count : (size_t)(percent - format->bytes);
        jbuilder_add_part(&out, format, p.at, plain);
        p.at = plain;
        if (plain < format->count) {
            p.at++;
            percent_spec(&p, &out);
        }
    }
    /* What can be subscripted may stay unused, as in Python. */
    if (p.used < p.count && arguments.kind != J_DICT && arguments.kind != J_LIST && arguments.kind != J_RANGE &&
        arguments.kind != J_UNDEFINED)
        jraise(run, "not all arguments converted during string formatting");
    return format->markup ? jstring_markup(run, jbuilder_string(&out)) : jbuilder_string(&out);
}
