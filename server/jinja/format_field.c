/* Formats one value: Python's format(value, spec), and the parts that % formatting shares.
 * Thread: the run's. Owner: the run. */
#include "format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void jspec_add_padded(struct jbuilder *out, const struct jstring *sign, const struct jstring *body,
                       const struct jspec *spec, char default_align)
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

void jspec_add_char(struct jbuilder *out, int64_t code, const struct jspec *spec)
{
    char bytes[4];

    if (spec->sign != 0 || spec->precision >= 0 || spec->grouping != 0 || spec->alternate)
        jraise(out->run, "sign, precision, grouping and # are not allowed with format specifier 'c'");
    if (code < 0 || code > 0x10ffff)
        jraise(out->run, "%%c arg not in range(0x110000)");
    if (code >= 0xd800 && code < 0xe000)
        jraise(out->run, "half of a surrogate pair in a string");
    size_t count = jchar_encode((uint32_t)code, bytes);
    /* Numbers do not know who wrote them, so that a character made of one is not trusted. */
    jspec_add_padded(out, jstring_new(out->run, "", 0, true),
                     jstring_new(out->run, memcpy(jalloc(out->run, 4), bytes, 4), count, false), spec, '>');
}

/* A separator after every `size` digits of the whole part, from the right, and zeros before it until all takes `width`
 * characters. */
static const char *group_digits(struct jrun *run, const char *digits, char separator, size_t size, size_t width)
{
    size_t whole = strspn(digits, size == 4 ? "0123456789abcdefABCDEF" : "0123456789"), total = strlen(digits);
    size_t room = total + whole + width + 8, left = whole, made = total - whole;
    char *at = (char *)jalloc(run, room) + room - made - 1;

    if (whole == 0)
        return digits; /* infinite, or not a number */
    jrun_charge_bytes(run, room);
    memcpy(at, digits + whole, made + 1);
    for (size_t group = 0; left > 0 || made < width; made++, group++) {
        if (group == size) {
            *--at = separator;
            made++;
            group = 0;
        }
        *--at = left > 0 ? digits[--left] : '0';
    }
    return at;
}

static void add_number(struct jbuilder *out, bool negative, const char *prefix, const char *digits,
                       const struct jspec *spec)
{
    struct jrun *run = out->run;
    char sign[8];
    struct jbuilder body;

    snprintf(sign, sizeof sign, "%s%s", negative ? "-" : spec->sign == '+' ? "+" : spec->sign == ' ' ? " " : "",
             prefix);
    if (spec->grouping != 0) {
        int64_t width = spec->fill == '0' && spec->align == '=' ? spec->width - (int64_t)strlen(sign) : 0;
        digits = group_digits(run, digits, spec->grouping, *prefix != 0 || jspec_one_of("xXob", spec->type) ? 4 : 3,
                              width > 0 ? (size_t)width : 0);
    }
    jbuilder_init(&body, run);
    jbuilder_add_text(&body, digits);
    jspec_add_padded(out, jstring_new(run, memcpy(jalloc(run, sizeof sign), sign, sizeof sign), strlen(sign), true),
               jbuilder_string(&body), spec, '>');
}

void jspec_add_integer(struct jbuilder *out, int64_t integer, const struct jspec *spec)
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

void jspec_add_real(struct jbuilder *out, double real, const struct jspec *spec)
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
    add_number(out, signbit(real) && !isnan(real) && !(spec->positive_zero && strtod(digits, NULL) == 0.0), "", digits,
               spec);
}

bool jspec_parse_digits(const struct jstring *text, size_t *at, int64_t *number)
{
    size_t start = *at;

    for (*number = 0; *at < text->count && text->bytes[*at] >= '0' && text->bytes[*at] <= '9'; ++*at)
        *number = *number < 100000000 ? *number * 10 + (text->bytes[*at] - '0') : *number;
    return *at > start;
}

/* [[fill]align][sign][z][#][0][width][grouping][.precision][type] */
static struct jspec parse_spec(struct jrun *run, const struct jstring *text)
{
    struct jspec spec = {.fill = ' ', .width = -1, .precision = -1};
    size_t at = 0, next = 0;
    bool filled = false;

    if (text->count > 0) {
        uint32_t fill = jchar_at(text->bytes, 0, &next);
        if (next < text->count && jspec_one_of("<>=^", text->bytes[next])) {
            filled = true;
            spec.fill = fill;
            spec.align = text->bytes[next];
            at = next + 1;
        } else if (jspec_one_of("<>=^", text->bytes[0])) {
            spec.align = text->bytes[0];
            at = 1;
        }
    }
    if (at < text->count && jspec_one_of("+- ", text->bytes[at]))
        spec.sign = text->bytes[at++];
    if (at < text->count && text->bytes[at] == 'z')
        spec.positive_zero = true, at++;
    if (at < text->count && text->bytes[at] == '#')
        spec.alternate = true, at++;
    if (!filled && at < text->count && text->bytes[at] == '0') {
        spec.zero = true;
        spec.fill = '0';
        at++;
    }
    if (!jspec_parse_digits(text, &at, &spec.width))
        spec.width = -1;
    if (at < text->count && (text->bytes[at] == ',' || text->bytes[at] == '_'))
        spec.grouping = text->bytes[at++];
    if (at < text->count && text->bytes[at] == '.') {
        at++;
        if (!jspec_parse_digits(text, &at, &spec.precision))
            jraise(run, "Format specifier missing precision");
    }
    if (at < text->count)
        spec.type = text->bytes[at++];
    if (at < text->count)
        jraise(run, "Invalid format specifier");
    if (spec.grouping != 0 && spec.type != 0 &&
        !jspec_one_of(spec.grouping == ',' ? "deEfFgG%" : "deEfFgG%boxX", spec.type))
        jraise(run, "Cannot specify '%c' with '%c'.", spec.grouping, spec.type);
    return spec;
}

const struct jstring *jformat_field(struct jrun *run, struct jvalue value, const struct jstring *text)
{
    struct jspec spec;
    struct jbuilder out;
    const struct jstring *string;

    if (text->count == 0)
        return jto_string(run, value);
    spec = parse_spec(run, text);
    jbuilder_init(&out, run);
    if (spec.zero && spec.align == 0 && value.kind != J_STRING)
        spec.align = '=';
    if (value.kind == J_STRING) {
        if ((spec.type != 0 && spec.type != 's') || spec.sign != 0 || spec.alternate || spec.positive_zero ||
            spec.grouping != 0 || spec.align == '=')
            jraise(run, "Invalid format specifier for object of type 'str'");
        string = value.as.string;
        if (spec.precision >= 0)
            string = jstring_part(run, string, 0, jstring_offset(run, string, (size_t)spec.precision));
        jspec_add_padded(&out, jstring_new(run, "", 0, true), string, &spec, '<');
    } else if (jvalue_is_integral(value) && (spec.type == 0 || jspec_one_of("dxXobn", spec.type))) {
        if (spec.precision >= 0 || spec.positive_zero)
            jraise(run, "precision or z not allowed in integer format specifier");
        jspec_add_integer(&out, jint_of(run, value, "format"), &spec);
    } else if (jvalue_is_number(value) && (spec.type == 0 || jspec_one_of("eEfFgGn%", spec.type))) {
        jspec_add_real(&out, jdouble_of(value), &spec);
    } else if (jvalue_is_integral(value) && spec.type == 'c') {
        jspec_add_char(&out, jint_of(run, value, "format"), &spec);
    } else if (jvalue_is_number(value)) {
        jraise(run, "Unknown format code '%c' for object of type '%s'", spec.type, jtype_name(value));
    } else {
        jraise(run, "unsupported format string passed to %s.__format__", jtype_name(value));
    }
    string = jbuilder_string(&out);
    /* Whoever writes the format may write any text with it: by the characters that fill, for one. */
    return jstring_all_trusted(text) ? string : jstring_new(run, string->bytes, string->count, false);
}
