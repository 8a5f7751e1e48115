/* Python's two ways to format: "%s" % arguments, and "{}".format(arguments) with the format language of its fields.
 * Thread: its run's. Owner: the run. */
#include "builtin.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What stands between the % or the : and the letter. */
struct spec {
    uint32_t fill;
    char align, sign, grouping, type; /* 0: not given */
    bool alternate, zero;
    int64_t width, precision; /* -1: not given */
};

/* strchr, but for the terminator. */
static bool one_of(const char *set, char c)
{
    return c != 0 && strchr(set, c) != NULL;
}

/* ---- one field --------------------------------------------------------------------------------------------------- */

static void add_padded(struct jbuilder *out, const struct jstring *sign, const struct jstring *body,
                       const struct spec *spec, char default_align)
{
    char fill[4], align = spec->align != 0 ? spec->align : default_align;
    size_t fill_bytes = jchar_encode(spec->fill, fill), used = sign->chars + body->chars;
    size_t pad = spec->width > 0 && (size_t)spec->width > used ? (size_t)spec->width - used : 0;
    size_t left = align == '>' ? pad : align == '^' ? pad / 2 : 0;

    jbuilder_add_fill(out, fill, fill_bytes, left, true);
    jbuilder_add_string(out, sign);
    if (align == '=')
        jbuilder_add_fill(out, fill, fill_bytes, pad, true);
    jbuilder_add_string(out, body);
    if (align != '=')
        jbuilder_add_fill(out, fill, fill_bytes, pad - left, true);
}

/* A separator after every `size` digits of the whole part, from the right. */
static const char *group_digits(struct jrun *run, const char *digits, char separator, size_t size)
{
    size_t whole = strspn(digits, size == 4 ? "0123456789abcdefABCDEF" : "0123456789"), total = strlen(digits), count = 0;
    char *out = jalloc(run, total + whole + 1);

    for (size_t i = 0; i < total; i++) {
        if (i > 0 && i < whole && (whole - i) % size == 0)
            out[count++] = separator;
        out[count++] = digits[i];
    }
    out[count] = 0;
    return out;
}

static void add_number(struct jbuilder *out, bool negative, const char *prefix, const char *digits, const struct spec *spec)
{
    struct jrun *run = out->run;
    char sign[8];
    struct jbuilder body;

    snprintf(sign, sizeof sign, "%s%s", negative ? "-" : spec->sign == '+' ? "+" : spec->sign == ' ' ? " " : "", prefix);
    if (spec->grouping != 0)
        digits = group_digits(run, digits, spec->grouping, *prefix != 0 || one_of("xXob", spec->type) ? 4 : 3);
    jbuilder_init(&body, run);
    jbuilder_add_text(&body, digits);
    add_padded(out, jstring_new(run, memcpy(jalloc(run, sizeof sign), sign, sizeof sign), strlen(sign), true),
               jbuilder_string(&body), spec, '>');
}

static void add_integer(struct jbuilder *out, int64_t integer, const struct spec *spec)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    unsigned base = spec->type == 'x' || spec->type == 'X' ? 16 : spec->type == 'o' ? 8 : spec->type == 'b' ? 2 : 10;
    uint64_t rest = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    char digits[512], prefix[3] = {'0', spec->type, 0}, *at = digits + sizeof digits;
    int64_t least = spec->precision > 400 ? 400 : spec->precision;

    *--at = 0;
    do {
        *--at = (spec->type == 'X' ? upper : lower)[rest % base];
        rest /= base;
    } while (rest > 0);
    while (digits + sizeof digits - 1 - at < least) /* only % formatting gives a precision */
        *--at = '0';
    add_number(out, integer < 0, spec->alternate && base != 10 ? prefix : "", at, spec);
}

static void add_real(struct jbuilder *out, double real, const struct spec *spec)
{
    struct jrun *run = out->run;
    int precision = spec->precision < 0 ? 6 : spec->precision > 1000 ? 1000 : (int)spec->precision;
    char type = spec->type == '%' ? 'f' : spec->type == 'n' || spec->type == 0 ? 'g' : spec->type, format[8];
    size_t room = 1400;
    char *digits = jalloc(run, room);

    if (spec->type == 0 && spec->precision < 0) {
        digits[jfloat_repr(fabs(real), digits)] = 0;
    } else {
        snprintf(format, sizeof format, "%%%s.*%c", spec->alternate ? "#" : "", type);
        if (spec->type == '%')
            real *= 100.0;
        snprintf(digits, room, format, spec->type == 0 && precision == 0 ? 1 : precision, fabs(real));
        if (spec->type == 0 && strpbrk(digits, ".en") == NULL && strlen(digits) + 2 < room)
            strcat(digits, ".0"); /* str() of a float shows that it is one */
        if (spec->type == '%')
            strcat(digits, "%");
    }
    add_number(out, signbit(real) && !isnan(real), "", digits, spec);
}

static bool parse_digits(const struct jstring *text, size_t *at, int64_t *number)
{
    size_t start = *at;

    for (*number = 0; *at < text->count && text->bytes[*at] >= '0' && text->bytes[*at] <= '9'; ++*at)
        *number = *number < 100000000 ? *number * 10 + (text->bytes[*at] - '0') : *number;
    return *at > start;
}

/* [[fill]align][sign][z][#][0][width][grouping][.precision][type] */
static struct spec parse_spec(struct jrun *run, const struct jstring *text)
{
    struct spec spec = {.fill = ' ', .width = -1, .precision = -1};
    size_t at = 0, next = 0;

    if (text->count > 0) {
        uint32_t fill = jchar_at(text->bytes, 0, &next);
        if (next < text->count && one_of("<>=^", text->bytes[next])) {
            spec.fill = fill;
            spec.align = text->bytes[next];
            at = next + 1;
        } else if (one_of("<>=^", text->bytes[0])) {
            spec.align = text->bytes[0];
            at = 1;
        }
    }
    if (at < text->count && one_of("+- ", text->bytes[at]))
        spec.sign = text->bytes[at++];
    if (at < text->count && text->bytes[at] == '#')
        spec.alternate = true, at++;
    if (at < text->count && text->bytes[at] == '0') {
        spec.zero = true;
        at++;
        if (spec.align == 0)
            spec.fill = '0';
    }
    if (!parse_digits(text, &at, &spec.width))
        spec.width = -1;
    if (at < text->count && (text->bytes[at] == ',' || text->bytes[at] == '_'))
        spec.grouping = text->bytes[at++];
    if (at < text->count && text->bytes[at] == '.') {
        at++;
        if (!parse_digits(text, &at, &spec.precision))
            jraise(run, "Format specifier missing precision");
    }
    if (at < text->count)
        spec.type = text->bytes[at++];
    if (at < text->count)
        jraise(run, "Invalid format specifier");
    return spec;
}

const struct jstring *jformat_field(struct jrun *run, struct jvalue value, const struct jstring *text)
{
    struct spec spec;
    struct jbuilder out;
    const struct jstring *string;

    if (text->count == 0)
        return jto_string(run, value);
    spec = parse_spec(run, text);
    jbuilder_init(&out, run);
    if (spec.zero && spec.align == 0 && value.kind != J_STRING)
        spec.align = '=';
    if (value.kind == J_STRING) {
        if ((spec.type != 0 && spec.type != 's') || spec.sign != 0 || spec.alternate || spec.grouping != 0 || spec.align == '=')
            jraise(run, "Invalid format specifier for object of type 'str'");
        string = value.as.string;
        if (spec.precision >= 0)
            string = jstring_part(run, string, 0, jstring_offset(string, (size_t)spec.precision));
        add_padded(&out, jstring_new(run, "", 0, true), string, &spec, '<');
    } else if (jvalue_is_integral(value) && (spec.type == 0 || one_of("dxXobn", spec.type))) {
        if (spec.precision >= 0)
            jraise(run, "Precision not allowed in integer format specifier");
        add_integer(&out, jint_of(run, value, "format"), &spec);
    } else if (jvalue_is_number(value) && (spec.type == 0 || one_of("eEfFgGn%", spec.type))) {
        add_real(&out, jdouble_of(value), &spec);
    } else if (value.kind == J_INT && spec.type == 'c' && value.as.integer >= 0 && value.as.integer < 0x110000) {
        jbuilder_add_char(&out, (uint32_t)value.as.integer, true);
    } else if (jvalue_is_number(value)) {
        jraise(run, "Unknown format code '%c' for object of type '%s'", spec.type, jtype_name(value));
    } else {
        jraise(run, "unsupported format string passed to %s.__format__", jtype_name(value));
    }
    return jbuilder_string(&out);
}

/* ---- "%s" % arguments -------------------------------------------------------------------------------------------- */

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
    struct jvalue value;

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
    value = jitem(p->run, p->mapping, jstr(jstring_part(p->run, p->format, start, p->at)));
    if (value.kind == J_UNDEFINED)
        jraise(p->run, "no such key for the format string");
    p->at++;
    p->used = p->count;
    return value;
}

/* A number in the format, or * for one from the arguments. */
static int64_t percent_number(struct percent *p, int64_t otherwise)
{
    int64_t number;

    if (p->at < p->format->count && p->format->bytes[p->at] == '*') {
        p->at++;
        return jint_of(p->run, next_argument(p), "*");
    }
    return parse_digits(p->format, &p->at, &number) ? number : otherwise;
}

static void percent_field(struct percent *p, struct jbuilder *out, struct spec *spec, struct jvalue value)
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
            jadd_repr(&repr, value);
            text = jbuilder_string(&repr);
        }
        if (p->format->markup)
            text = jescape(run, jstr(text));
        if (spec->precision >= 0)
            text = jstring_part(run, text, 0, jstring_offset(text, (size_t)spec->precision));
        spec->fill = ' ';
        if (spec->align == '=')
            spec->align = '>';
        add_padded(out, jstring_new(run, "", 0, true), text, spec, '>');
        return;
    case 'c':
        if (value.kind == J_STRING && value.as.string->chars == 1)
            add_padded(out, jstring_new(run, "", 0, true), value.as.string, spec, '>');
        else if (value.kind == J_INT && value.as.integer >= 0 && value.as.integer < 0x110000)
            jbuilder_add_char(out, (uint32_t)value.as.integer, true);
        else
            jraise(run, "%%c requires int or char");
        return;
    default:
        break;
    }
    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (!jvalue_is_number(value) || (value.kind == J_FLOAT && one_of("xXo", spec->type)))
        jraise(run, "%%%c format: a real number is required, not %s", spec->type, jtype_name(value));
    if (one_of("diuxXo", spec->type)) {
        double whole = value.kind == J_FLOAT ? trunc(value.as.real) : 0.0;
        if (!(whole >= -9.2e18 && whole <= 9.2e18))
            jraise(run, "cannot convert this float to an integer");
        add_integer(out, value.kind == J_FLOAT ? (int64_t)whole : jint_of(run, value, "%d"), spec);
    } else {
        add_real(out, jdouble_of(value), spec);
    }
}

/* One specification, `at` after the percent sign. */
static void percent_spec(struct percent *p, struct jbuilder *out)
{
    struct spec spec = {.fill = ' ', .width = -1, .precision = -1};
    struct jvalue value = jmissing();
    const struct jstring *format = p->format;

    if (p->at < format->count && format->bytes[p->at] == '(')
        value = named_argument(p);
    for (; p->at < format->count && one_of("#0- +", format->bytes[p->at]); p->at++) {
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
    while (p->at < format->count && one_of("hlL", format->bytes[p->at]))
        p->at++;
    if (p->at == format->count)
        jraise(p->run, "incomplete format");
    spec.type = format->bytes[p->at++];
    if (spec.type == '%') {
        jbuilder_add_text(out, "%");
        return;
    }
    if (!one_of("sracdiuxXoeEfFgG", spec.type))
        jraise(p->run, "unsupported format character '%c'", spec.type);
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

/* ---- "{}".format(arguments) ---------------------------------------------------------------------------------------- */

struct braces {
    struct jrun *run;
    const struct jvalue *args;
    size_t count;
    struct jdict *keywords;
    int64_t automatic; /* number of the next {}; -1 once fields are numbered by hand */
};

static bool all_digits(const struct jstring *text)
{
    for (size_t i = 0; i < text->count; i++) {
        if (text->bytes[i] < '0' || text->bytes[i] > '9')
            return false;
    }
    return text->count > 0;
}

static struct jvalue braces_first(struct braces *b, const struct jstring *name)
{
    const struct jvalue *value = NULL;
    int64_t index;

    if (name->count == 0) {
        if (b->automatic < 0)
            jraise(b->run, "cannot switch from manual field specification to automatic field numbering");
        index = b->automatic++;
    } else if (all_digits(name) && jparse_int(b->run, name, 10, &index)) {
        if (b->automatic > 0)
            jraise(b->run, "cannot switch from automatic field numbering to manual field specification");
        b->automatic = -1;
    } else {
        value = b->keywords != NULL ? jdict_get_string(b->run, b->keywords, name) : NULL;
        if (value == NULL)
            jraise(b->run, "no such keyword for the format string");
        return *value;
    }
    if (index < 0 || (size_t)index >= b->count)
        jraise(b->run, "Replacement index %lld out of range for positional args tuple", (long long)index);
    return b->args[index];
}

/* name(.attribute | [key])* */
static struct jvalue braces_value(struct braces *b, const struct jstring *field)
{
    size_t at = 0, start;
    struct jvalue value;
    int64_t index;

    while (at < field->count && field->bytes[at] != '.' && field->bytes[at] != '[')
        at++;
    value = braces_first(b, jstring_part(b->run, field, 0, at));
    while (at < field->count) {
        const struct jstring *part;
        bool attribute = field->bytes[at] == '.';
        start = ++at;
        while (at < field->count && (attribute ? field->bytes[at] != '.' && field->bytes[at] != '[' : field->bytes[at] != ']'))
            at++;
        part = jstring_part(b->run, field, start, at);
        if (part->count == 0 || (!attribute && at == field->count))
            jraise(b->run, "Empty attribute in format string");
        if (attribute)
            value = jattribute(b->run, value, part);
        else if (all_digits(part) && jparse_int(b->run, part, 10, &index))
            value = jitem(b->run, value, jint(index));
        else
            value = jitem(b->run, value, jstr(part));
        at += !attribute;
    }
    return value;
}

static void braces_text(struct braces *b, const struct jstring *format, struct jbuilder *out, unsigned depth);

static void braces_field(struct braces *b, const struct jstring *field, bool markup, struct jbuilder *out, unsigned depth)
{
    size_t end = 0, brackets = 0, spec_at;
    struct jvalue value;
    struct jbuilder text;
    const struct jstring *result;
    char conversion = 0;

    for (; end < field->count; end++) {
        brackets += field->bytes[end] == '[';
        brackets -= field->bytes[end] == ']' && brackets > 0;
        if (brackets == 0 && (field->bytes[end] == ':' || field->bytes[end] == '!'))
            break;
    }
    value = braces_value(b, jstring_part(b->run, field, 0, end));
    if (end < field->count && field->bytes[end] == '!') {
        if (end + 1 >= field->count || !one_of("sra", field->bytes[end + 1]))
            jraise(b->run, "unknown conversion specifier in format string");
        conversion = field->bytes[end + 1];
        end += 2;
        if (end < field->count && field->bytes[end] != ':')
            jraise(b->run, "expected ':' after conversion specifier");
    }
    spec_at = end < field->count ? end + 1 : end;
    if (conversion == 's')
        value = jstr(jto_string(b->run, value));
    if (conversion == 'r' || conversion == 'a') {
        jbuilder_init(&text, b->run);
        jadd_repr(&text, value);
        value = jstr(jbuilder_string(&text));
    }
    jbuilder_init(&text, b->run);
    braces_text(b, jstring_part(b->run, field, spec_at, field->count), &text, depth + 1);
    result = jformat_field(b->run, value, jbuilder_string(&text));
    jbuilder_add_string(out, markup ? jescape(b->run, jstr(result)) : result);
}

static void braces_text(struct braces *b, const struct jstring *format, struct jbuilder *out, unsigned depth)
{
    size_t at = 0;

    if (depth > 2)
        jraise(b->run, "Max string recursion exceeded");
    while (at < format->count) {
        size_t start = at, nested = 1;
        while (at < format->count && format->bytes[at] != '{' && format->bytes[at] != '}')
            at++;
        jbuilder_add_part(out, format, start, at);
        if (at == format->count)
            break;
        if (at + 1 < format->count && format->bytes[at + 1] == format->bytes[at]) {
            jbuilder_add_part(out, format, at, at + 1);
            at += 2;
            continue;
        }
        if (format->bytes[at] == '}')
            jraise(b->run, "Single '}' encountered in format string");
        start = ++at;
        for (; at < format->count; at++) {
            nested += format->bytes[at] == '{';
            nested -= format->bytes[at] == '}';
            if (nested == 0)
                break;
        }
        if (nested != 0)
            jraise(b->run, "expected '}' before end of string");
        braces_field(b, jstring_part(b->run, format, start, at), format->markup, out, depth);
        at++;
    }
}

struct jvalue jformat_braces(struct jrun *run, const struct jstring *format, const struct jvalue *args, size_t count,
                             struct jdict *keywords)
{
    struct braces b = {.run = run, .args = args, .count = count, .keywords = keywords};
    struct jbuilder out;

    jbuilder_init(&out, run);
    braces_text(&b, format, &out, 0);
    return jstr(format->markup ? jstring_markup(run, jbuilder_string(&out)) : jbuilder_string(&out));
}
