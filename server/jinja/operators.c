/* Python's binary operators and slices. Integers are of 64 bits; beyond that is an error of its own.
 * Thread: its run's. Owner: the run. */
#include "ast.h"
#include "builtin.h"

#include <math.h>
#include <stdlib.h>

static _Noreturn void fail_big(struct jrun *run)
{
    jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static int64_t int_power(struct jrun *run, int64_t base, int64_t power)
{
    int64_t result = 1;

    while (power > 0) {
        if ((power & 1) && __builtin_mul_overflow(result, base, &result))
            fail_big(run);
        power >>= 1;
        /* The last square is not needed, and may not fit. */
        if (power > 0 && __builtin_mul_overflow(base, base, &base))
            fail_big(run);
    }
    return result;
}

static struct jvalue float_power(struct jrun *run, double base, double power)
{
    double result;

    if (base == 0.0 && power < 0.0)
        jraise(run, "0.0 cannot be raised to a negative power");
    if (base < 0.0 && isfinite(base) && isfinite(power) && power != floor(power))
        jfail(run, QUIRE_UNSUPPORTED, "a complex number");
    result = pow(base, power);
    if (isinf(result) && isfinite(base) && isfinite(power))
        jraise(run, "numerical result out of range");
    return jfloat(result);
}

static struct jvalue int_arithmetic(struct jrun *run, int operator, int64_t a, int64_t b)
{
    int64_t result = 0;
    bool overflow = false;

    switch (operator) {
    case JOP_ADD:
        overflow = __builtin_add_overflow(a, b, &result);
        break;
    case JOP_SUB:
        overflow = __builtin_sub_overflow(a, b, &result);
        break;
    case JOP_MUL:
        overflow = __builtin_mul_overflow(a, b, &result);
        break;
    case JOP_POW:
        if (b < 0)
            return float_power(run, (double)a, (double)b);
        result = int_power(run, a, b);
        break;
    case JOP_DIV:
        if (b == 0)
            jraise(run, "division by zero");
        return jfloat((double)((long double)a / (long double)b));
    default: /* rounding towards minus infinity */
        if (b == 0)
            jraise(run, "integer division or modulo by zero");
        if (a == INT64_MIN && b == -1)
            overflow = operator == JOP_FLOORDIV;
        else if (operator == JOP_FLOORDIV)
            result = a / b - (a % b != 0 && (a < 0) != (b < 0));
        else
            result = a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0);
        break;
    }
    if (overflow)
        fail_big(run);
    return jint(result);
}

static struct jvalue float_arithmetic(struct jrun *run, int operator, double a, double b)
{
    double rest, whole;

    switch (operator) {
    case JOP_ADD:
        return jfloat(a + b);
    case JOP_SUB:
        return jfloat(a - b);
    case JOP_MUL:
        return jfloat(a * b);
    case JOP_POW:
        return float_power(run, a, b);
    case JOP_DIV:
        if (b == 0.0)
            jraise(run, "float division by zero");
        return jfloat(a / b);
    default:
        if (b == 0.0)
            jraise(run, "float floor division or modulo by zero");
        rest = fmod(a, b);
        whole = (a - rest) / b;
        if (rest != 0.0) {
            if ((b < 0.0) != (rest < 0.0)) {
                rest += b;
                whole -= 1.0;
            }
        } else {
            rest = copysign(0.0, b);
        }
        if (operator == JOP_MOD)
            return jfloat(rest);
        if (whole == 0.0)
            return jfloat(copysign(0.0, a / b));
        return jfloat(whole - floor(whole) > 0.5 ? floor(whole) + 1.0 : floor(whole));
    }
}

/* ---- strings and sequences --------------------------------------------------------------------------------------- */

static struct jvalue add_strings(struct jrun *run, const struct jstring *left, const struct jstring *right)
{
    bool markup = left->markup || right->markup;

    if (markup) { /* Markup escapes what it is joined to */
        left = jescape(run, jstr(left));
        right = jescape(run, jstr(right));
    }
    if (!markup && (left->count == 0 || right->count == 0))
        return jstr(left->count == 0 ? right : left);
    left = jstring_append(run, left, right);
    return jstr(markup ? jstring_markup(run, left) : left);
}

static struct jvalue repeat_string(struct jrun *run, const struct jstring *string, int64_t count)
{
    struct jbuilder text;

    jbuilder_init(&text, run);
    if (string->count > 0 && count > 0) {
        if (string->flip_count == 0)
            jbuilder_add_fill(&text, string->bytes, string->count, (size_t)count, string->trusted);
        else
            for (int64_t i = 0; i < count; i++)
                jbuilder_add_string(&text, string);
    }
    return jstr(string->markup ? jstring_markup(run, jbuilder_string(&text)) : jbuilder_string(&text));
}

static struct jvalue join_lists(struct jrun *run, struct jvalue left, const struct jlist *right)
{
    struct jlist *first = left.as.list, *both;
    size_t count = first->count + right->count;

    /* Room to spare, so that a list to which a template adds again and again is not copied each time. */
    if (first->used != NULL && *first->used == first->count && first->count_max >= count) {
        both = jlist_new(run, 0);
        *both = *first;
    } else {
        both = jlist_new(run, count * 2);
        for (size_t i = 0; i < first->count; i++)
            jlist_append(run, both, first->items[i]);
        both->used = jalloc(run, sizeof *both->used);
    }
    for (size_t i = 0; i < right->count; i++)
        jlist_append(run, both, right->items[i]);
    *both->used = count;
    return jlist_value(both, left.kind == J_LIST ? J_LIST : J_TUPLE);
}

static struct jvalue repeat_list(struct jrun *run, struct jvalue list, int64_t count)
{
    struct jlist *all = jlist_new(run, 0);

    for (int64_t i = 0; i < count && list.as.list->count > 0; i++) {
        for (size_t k = 0; k < list.as.list->count; k++)
            jlist_append(run, all, list.as.list->items[k]);
    }
    return jlist_value(all, list.kind == J_LIST ? J_LIST : J_TUPLE);
}

static struct jvalue repeat(struct jrun *run, struct jvalue object, struct jvalue count)
{
    int64_t times = jint_of(run, count, "*");

    return object.kind == J_STRING ? repeat_string(run, object.as.string, times) : repeat_list(run, object, times);
}

struct jvalue jbinary(struct jrun *run, int operator, struct jvalue left, struct jvalue right)
{
    static const char *const signs[] = {[JOP_ADD] = "+",       [JOP_SUB] = "-", [JOP_MUL] = "*", [JOP_DIV] = "/",
                                        [JOP_FLOORDIV] = "//", [JOP_MOD] = "%", [JOP_POW] = "** or pow()"};

    if (operator == JOP_MOD && left.kind == J_STRING)
        return jstr(jformat_percent(run, left.as.string, right));
    if (left.kind == J_UNDEFINED || right.kind == J_UNDEFINED)
        jundefined_raise(run, left.kind == J_UNDEFINED ? left : right);
    if (jvalue_is_number(left) && jvalue_is_number(right)) {
        if (left.kind == J_FLOAT || right.kind == J_FLOAT)
            return float_arithmetic(run, operator, jdouble_of(left), jdouble_of(right));
        return int_arithmetic(run, operator, jint_of(run, left, ""), jint_of(run, right, ""));
    }
    if (operator == JOP_ADD && left.kind == J_STRING && right.kind == J_STRING)
        return add_strings(run, left.as.string, right.as.string);
    if (operator == JOP_ADD && ((left.kind == J_LIST && right.kind == J_LIST) ||
                               (jvalue_is_tuple(left) && jvalue_is_tuple(right))))
        return join_lists(run, left, right.as.list);
    if (operator == JOP_MUL && (left.kind == J_STRING || jvalue_is_sequence(left)) && jvalue_is_integral(right))
        return repeat(run, left, right);
    if (operator == JOP_MUL && (right.kind == J_STRING || jvalue_is_sequence(right)) && jvalue_is_integral(left))
        return repeat(run, right, left);
    if (operator == JOP_ADD && left.kind == J_STRING)
        jraise(run, "can only concatenate str (not \"%s\") to str", jtype_name(right));
    jraise(run, "unsupported operand type(s) for %s: '%s' and '%s'", signs[operator], jtype_name(left),
           jtype_name(right));
}

/* ---- slices ------------------------------------------------------------------------------------------------------ */

struct span {
    int64_t start, stop, step, count;
};

static int64_t clamp(int64_t index, int64_t low, int64_t high)
{
    return index < low ? low : index > high ? high : index;
}

static int64_t slice_bound(struct jrun *run, struct jvalue bound, int64_t otherwise, int64_t length, bool backwards)
{
    int64_t index;

    if (bound.kind == J_NONE)
        return otherwise;
    if (!jvalue_is_integral(bound))
        jraise(run, "slice indices must be integers or None or have an __index__ method");
    index = jint_of(run, bound, "slice");
    if (index < 0)
        index += length;
    return clamp(index, backwards ? -1 : 0, backwards ? length - 1 : length);
}

static struct span slice_span(struct jrun *run, struct jvalue start, struct jvalue stop, struct jvalue step,
                              int64_t length)
{
    struct span span = {.step = 1};
    bool back;

    if (step.kind != J_NONE) {
        if (!jvalue_is_integral(step))
            jraise(run, "slice indices must be integers or None or have an __index__ method");
        span.step = clamp(jint_of(run, step, "slice"), -INT64_MAX, INT64_MAX);
    }
    if (span.step == 0)
        jraise(run, "slice step cannot be zero");
    back = span.step < 0;
    span.start = slice_bound(run, start, back ? length - 1 : 0, length, back);
    span.stop = slice_bound(run, stop, back ? -1 : length, length, back);
    if (back ? span.start > span.stop : span.stop > span.start)
        span.count = (llabs(span.stop - span.start) - 1) / llabs(span.step) + 1;
    return span;
}

static struct jvalue slice_string(struct jrun *run, const struct jstring *string, struct span span)
{
    struct jbuilder text;
    size_t at, next;

    if (span.count == 0)
        return jstr(jstring_part(run, string, 0, 0));
    jrun_charge_bytes(run, string->count);
    at = jstring_offset(run, string, (size_t)span.start);
    if (span.step == 1)
        return jstr(jstring_part(run, string, at, jstring_offset(run, string, (size_t)(span.start + span.count))));
    jbuilder_init(&text, run);
    for (int64_t i = 0;;) {
        jchar_at(string->bytes, at, &next);
        jbuilder_add_part(&text, string, at, next);
        if (++i == span.count)
            break;
        for (int64_t k = 0; k < span.step; k++)
            jchar_at(string->bytes, at, &at);
        for (int64_t k = 0; k > span.step; k--)
            jchar_before(string->bytes, at, &at);
    }
    return jstr(string->markup ? jstring_markup(run, jbuilder_string(&text)) : jbuilder_string(&text));
}

struct jvalue jslice(struct jrun *run, struct jvalue object, struct jvalue start, struct jvalue stop,
                     struct jvalue step)
{
    struct span span;
    struct jlist *part;

    if (object.kind == J_UNDEFINED)
        jundefined_raise(run, object);
    if (object.kind != J_STRING && object.kind != J_RANGE && !jvalue_is_sequence(object))
        jraise(run, "'%s' object cannot be sliced", jtype_name(object));
    span = slice_span(run, start, stop, step, jlength(run, object));
    if (object.kind == J_STRING)
        return slice_string(run, object.as.string, span);
    if (object.kind == J_RANGE) {
        const struct jrange *from = object.as.range;
        struct jrange *range = jalloc(run, sizeof *range);
        *range = (struct jrange){.start = from->start + span.start * from->step, .count = span.count};
        if (__builtin_mul_overflow(from->step, span.step, &range->step) ||
            __builtin_mul_overflow(from->step, span.stop, &range->stop) ||
            __builtin_add_overflow(from->start, range->stop, &range->stop))
            fail_big(run);
        return (struct jvalue){.kind = J_RANGE, .as.range = range};
    }
    if (span.step == 1 && span.count > 0) { /* lists do not change once they are built */
        part = jlist_new(run, 0);
        part->items = object.as.list->items + span.start;
        part->count = (size_t)span.count;
        return jlist_value(part, object.kind == J_LIST ? J_LIST : J_TUPLE);
    }
    part = jlist_new(run, (size_t)span.count);
    for (int64_t i = 0; i < span.count; i++)
        jlist_append(run, part, object.as.list->items[span.start + i * span.step]);
    return jlist_value(part, object.kind == J_LIST ? J_LIST : J_TUPLE);
}
