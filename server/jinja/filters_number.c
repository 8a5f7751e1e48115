/* Filters on numbers, and default, which works on anything. Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Python's int() and float() of text -------------------------------------------------------------------------- */

/* The text without space around it, other scripts' digits as ASCII ones, and underscores between digits left out.
 * False where it is too long or has other characters. */
static bool plain_digits(struct jrun *run, const struct jstring *text, char *out, size_t out_max)
{
    size_t count = 0, next;

    text = jstrip(run, text, jmissing(), true, true);
    for (size_t at = 0; at < text->count; at = next) {
        uint32_t code = jchar_at(text->bytes, at, &next);
        int digit = jchar_digit(code);
        jrun_charge(run, 1);
        if (code == '_') {
            if (at == 0 || next == text->count || text->bytes[at - 1] == '_')
                return false;
            continue;
        }
        if (count + 1 >= out_max || (digit < 0 && code >= 0x80))
            return false;
        out[count++] = digit >= 0 ? (char)('0' + digit) : (char)code;
    }
    out[count] = 0;
    return count > 0 && strlen(out) == count;
}

bool jparse_int(struct jrun *run, const struct jstring *text, int64_t base, int64_t *out)
{
    char digits[128], *at = digits;
    bool negative;
    int64_t number = 0;
    int prefix_base;

    if (base != 0 && (base < 2 || base > 36))
        return false;
    if (!plain_digits(run, text, digits, sizeof digits))
        return false;
    negative = *at == '-';
    at += *at == '-' || *at == '+';
    prefix_base = at[0] != '0' ? 0 : (at[1] | 32) == 'x' ? 16 : (at[1] | 32) == 'o' ? 8 : (at[1] | 32) == 'b' ? 2 : 0;
    if (prefix_base != 0 && (base == 0 || base == prefix_base)) {
        at += 2;
        base = prefix_base;
    } else if (base == 0) {
        if (at[0] == '0' && strspn(at, "0") != strlen(at))
            return false;
        base = 10;
    }
    if (*at == 0)
        return false;
    for (; *at != 0; at++) {
        int digit = jdigit_value(*at);
        if (digit >= base)
            return false;
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_sub_overflow(number, (int64_t)digit, &number)) /* below zero, where there is one more */
            jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, number, &number))
        jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
    *out = number;
    return true;
}

static bool parse_number(struct jrun *run, const struct jstring *text, double *out)
{
    char digits[512], *end;
    const char *at = digits;

    if (!plain_digits(run, text, digits, sizeof digits))
        return false;
    at += *at == '-' || *at == '+';
    if (strcasecmp(at, "inf") != 0 && strcasecmp(at, "infinity") != 0 && strcasecmp(at, "nan") != 0 &&
        (strspn(at, "0123456789.eE+-") != strlen(at) || strpbrk(at, "0123456789") == NULL))
        return false; /* strtod knows more forms */
    *out = strtod(digits, &end);
    return *end == 0;
}

/* ---- filters ----------------------------------------------------------------------------------------------------- */

static struct jvalue filter_default(struct jrun *run, const struct jcall *call)
{
    bool absent = call->args[0].kind == J_UNDEFINED ||
                  (jflag(run, call->args[2], false) && !jtruthy(run, call->args[0]));

    if (!absent)
        return call->args[0];
    return jgiven(call->args[1]) ? call->args[1] : jstr(jstring_new(run, "", 0, true));
}

static bool fits_integer(double real)
{
    return real >= -9223372036854775808.0 && real < 9223372036854775808.0;
}

static struct jvalue truncate_float(struct jrun *run, double real, struct jvalue otherwise)
{
    if (isnan(real) || isinf(real))
        return otherwise;
    if (!fits_integer(real))
        jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
    return jint((int64_t)real);
}

static struct jvalue filter_int(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0], otherwise = jgiven(call->args[1]) ? call->args[1] : jint(0);
    struct jvalue base = jgiven(call->args[2]) ? call->args[2] : jint(10);
    int64_t integer;
    double real;

    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (jvalue_is_integral(value))
        return jint(jint_of(run, value, "int"));
    if (value.kind == J_FLOAT && isinf(value.as.real))
        jraise(run, "cannot convert float infinity to integer");
    if (value.kind == J_FLOAT)
        return truncate_float(run, value.as.real, otherwise);
    if (value.kind != J_STRING)
        return otherwise;
    if (jvalue_is_integral(base) && jparse_int(run, value.as.string, jint_of(run, base, "base"), &integer))
        return jint(integer);
    return parse_number(run, value.as.string, &real) ? truncate_float(run, real, otherwise) : otherwise;
}

static struct jvalue filter_float(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0];
    double real;

    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (jvalue_is_number(value))
        return jfloat(jdouble_of(value));
    if (value.kind == J_STRING && parse_number(run, value.as.string, &real))
        return jfloat(real);
    return jgiven(call->args[1]) ? call->args[1] : jfloat(0.0);
}

static struct jvalue filter_abs(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0];

    if (!jvalue_is_number(value))
        jraise(run, "bad operand type for abs(): '%s'", jtype_name(value));
    if (value.kind == J_FLOAT)
        return jfloat(fabs(value.as.real));
    if (value.kind == J_INT && value.as.integer == INT64_MIN)
        jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
    return jint(llabs(jint_of(run, value, "abs")));
}

/* Half to even on the exact binary value, as Python does it: printf rounds so. */
static double round_real(double real, int64_t digits)
{
    char text[700];

    if (isnan(real) || isinf(real) || digits > 330)
        return real;
    if (digits >= 0) {
        snprintf(text, sizeof text, "%.*f", (int)digits, real);
        return strtod(text, NULL);
    }
    if (digits < -308)
        return copysign(0.0, real);
    return rint(real / pow(10.0, (double)-digits)) * pow(10.0, (double)-digits);
}

static int64_t round_integer(struct jrun *run, int64_t integer, int64_t digits)
{
    int64_t unit = 1, rest;

    if (digits >= 0)
        return integer;
    if (digits < -18)
        return 0;
    for (; digits < 0; digits++)
        unit *= 10;
    rest = integer % unit;
    if (rest < 0)
        rest += unit;
    /* Half goes to the even multiple. */
    if (__builtin_sub_overflow(integer, rest, &integer) ||
        ((rest > unit / 2 || (rest == unit / 2 && (integer / unit) % 2 != 0)) &&
         __builtin_add_overflow(integer, unit, &integer)))
        jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
    return integer;
}

static struct jvalue filter_round(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0];
    int64_t digits = jgiven(call->args[1]) ? jint_of(run, call->args[1], "precision") : 0;
    const struct jstring *method = jgiven(call->args[2]) ? jstring_of(run, call->args[2], "method") : NULL;
    double scale, scaled;

    jrun_charge(run, digits > 0 && digits < 400 ? 20 + (uint64_t)digits / 4 : 20);
    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (!jvalue_is_number(value))
        jraise(run, "type %s doesn't define __round__ method", jtype_name(value));
    if (method == NULL || jstring_is(method, "common"))
        return value.kind == J_FLOAT ? jfloat(round_real(value.as.real, digits))
                                     : jint(round_integer(run, jint_of(run, value, "round"), digits));
    if (!jstring_is(method, "ceil") && !jstring_is(method, "floor"))
        jraise(run, "method must be common, ceil or floor");
    scale = pow(10.0, (double)digits);
    scaled = jdouble_of(value) * scale;
    if (isnan(scaled) || isinf(scaled) || scale == 0.0)
        jraise(run, "cannot convert float infinity or NaN to integer");
    return jfloat((jstring_is(method, "ceil") ? ceil(scaled) : floor(scaled)) / scale + 0.0);
}

static struct jvalue filter_filesizeformat(struct jrun *run, const struct jcall *call)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    static const char *const binary_units[] = {"iB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};
    bool binary = jflag(run, call->args[1], false);
    double bytes, base = binary ? 1024 : 1000, unit = base;
    char text[400];
    size_t i = 1;

    if (jvalue_is_number(call->args[0]))
        bytes = jdouble_of(call->args[0]);
    else if (call->args[0].kind != J_STRING || !parse_number(run, call->args[0].as.string, &bytes))
        jraise(run, "could not convert %s to float", jtype_name(call->args[0]));
    if (bytes == 1.0) {
        snprintf(text, sizeof text, "1 Byte");
    } else if (bytes < base) {
        snprintf(text, sizeof text, "%.0f Bytes", trunc(bytes) + 0.0);
    } else {
        for (; i < 8 && bytes >= unit * base; i++)
            unit *= base;
        snprintf(text, sizeof text, "%.1f %s", bytes / unit, (binary ? binary_units : units)[i]);
    }
    struct jbuilder out;
    jbuilder_init(&out, run);
    jbuilder_add_text(&out, text);
    return jstr(jbuilder_string(&out));
}

const struct jbuiltin jfilters_number[] = {
    {"default", filter_default, "value default_value boolean", 1, 0},
    {"d", filter_default, "value default_value boolean", 1, 0},
    {"int", filter_int, "value default base", 1, 0},
    {"float", filter_float, "value default", 1, 0},
    {"abs", filter_abs, "/x", 1, 0},
    {"round", filter_round, "value precision method", 1, 0},
    {"filesizeformat", filter_filesizeformat, "value binary", 1, 0},
    {0},
};
