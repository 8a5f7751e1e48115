/* What Python's numbers have after a dot. Thread: its run's. Owner: the run. */
#include "builtin.h"

#include <math.h>
#include <stdio.h>

static struct jvalue number_conjugate(struct jrun *run, const struct jcall *call)
{
    return call->self.kind == J_FLOAT ? call->self : jint(jint_of(run, call->self, "conjugate"));
}

/* ---- int --------------------------------------------------------------------------------------------------------- */

static uint64_t magnitude(struct jrun *run, struct jvalue number)
{
    int64_t integer = jint_of(run, number, "self");

    return integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
}

static struct jvalue int_bit_length(struct jrun *run, const struct jcall *call)
{
    uint64_t bits = magnitude(run, call->self);

    return jint(bits == 0 ? 0 : 64 - __builtin_clzll(bits));
}

static struct jvalue int_bit_count(struct jrun *run, const struct jcall *call)
{
    return jint(__builtin_popcountll(magnitude(run, call->self)));
}

static struct jvalue pair(struct jrun *run, int64_t numerator, int64_t denominator)
{
    struct jlist *both = jlist_new(run, 2);

    jlist_append(run, both, jint(numerator));
    jlist_append(run, both, jint(denominator));
    return jlist_value(both, J_TUPLE);
}

static struct jvalue int_ratio(struct jrun *run, const struct jcall *call)
{
    return pair(run, jint_of(run, call->self, "self"), 1);
}

/* ---- float ------------------------------------------------------------------------------------------------------- */

static struct jvalue float_is_integer(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jbool(isfinite(call->self.as.real) && call->self.as.real == floor(call->self.as.real));
}

static struct jvalue float_ratio(struct jrun *run, const struct jcall *call)
{
    double real = call->self.as.real, limit = ldexp(1.0, 62);
    int64_t denominator = 1;

    if (!isfinite(real))
        jraise(run, "cannot convert infinity or NaN to integer ratio");
    while (real != floor(real) && denominator < (int64_t)1 << 62) {
        real *= 2.0;
        denominator *= 2;
    }
    if (real != floor(real) || fabs(real) > limit)
        jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
    return pair(run, (int64_t)real, denominator);
}

const struct jbuiltin jmethods_int[] = {
    {"bit_length", int_bit_length, "/", 0, 0},
    {"bit_count", int_bit_count, "/", 0, 0},
    {"conjugate", number_conjugate, "/", 0, 0},
    {"as_integer_ratio", int_ratio, "/", 0, 0},
    {0},
};

const struct jbuiltin jmethods_float[] = {
    {"is_integer", float_is_integer, "/", 0, 0},
    {"conjugate", number_conjugate, "/", 0, 0},
    {"as_integer_ratio", float_ratio, "/", 0, 0},
    {0},
};

struct jvalue jnumber_attribute(struct jvalue number, const struct jstring *name)
{
    struct jvalue plain = number.kind == J_BOOL ? jint(number.as.boolean) : number; /* True.real is 1 */

    if (jstring_is(name, "real") || (number.kind != J_FLOAT && jstring_is(name, "numerator")))
        return plain;
    if (jstring_is(name, "imag"))
        return number.kind == J_FLOAT ? jfloat(0.0) : jint(0);
    if (number.kind != J_FLOAT && jstring_is(name, "denominator"))
        return jint(1);
    return jmissing();
}
