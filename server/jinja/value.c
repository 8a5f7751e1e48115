/* What all values have in common: types, truth, equality, order, length, and jinja2's Undefined.
 * Thread: its run's. Owner: the run's arena. */
#include "value.h"

#include <math.h>
#include <string.h>

static const char *const type_names[J_JOINER + 1] = {
    [J_MISSING] = "missing",     [J_UNDEFINED] = "Undefined", [J_NONE] = "NoneType",
    [J_BOOL] = "bool",           [J_INT] = "int",             [J_FLOAT] = "float",
    [J_STRING] = "str",          [J_LIST] = "list",           [J_TUPLE] = "tuple",
    [J_GROUP] = "_GroupTuple",   [J_DICT] = "dict",           [J_RANGE] = "range",
    [J_KEYS] = "dict_keys",      [J_VALUES] = "dict_values",  [J_ITEMS] = "dict_items",
    [J_ITERATOR] = "generator",  [J_NAMESPACE] = "Namespace", [J_LOOP] = "LoopContext",
    [J_MACRO] = "Macro",         [J_FUNCTION] = "function",   [J_CYCLER] = "Cycler",
    [J_JOINER] = "Joiner",       [J_SELF] = "TemplateReference", [J_BLOCK] = "BlockReference",
};

const char *jtype_name(struct jvalue value)
{
    return value.kind == J_STRING && value.as.string->markup ? "Markup" : type_names[value.kind];
}

/* ---- undefined --------------------------------------------------------------------------------------------------- */

static struct jvalue undefined_new(struct jrun *run, struct jundefined content)
{
    struct jundefined *undefined = jalloc(run, sizeof *undefined);

    *undefined = content;
    return (struct jvalue){.kind = J_UNDEFINED, .as.undefined = undefined};
}

struct jvalue jundefined_name(struct jrun *run, const struct jstring *name)
{
    return undefined_new(run, (struct jundefined){.name = name});
}

static const char parameter_owner[] = "parameter";

struct jvalue jundefined_parameter(struct jrun *run, const struct jstring *name)
{
    return undefined_new(run, (struct jundefined){.name = name, .owner = parameter_owner});
}

struct jvalue jundefined_hint(struct jrun *run, const char *hint)
{
    return undefined_new(run, (struct jundefined){.hint = hint});
}

struct jvalue jundefined_member(struct jrun *run, struct jvalue owner, struct jvalue name)
{
    const struct jstring *text = name.kind == J_STRING ? name.as.string : NULL;
    const struct jundefined *latest = run->latest_undefined;

    /* Templates ask for one thing again and again in a loop, and what is undefined does not change. */
    if (latest == NULL || latest->name != text || latest->owner != jtype_name(owner))
        run->latest_undefined =
            undefined_new(run, (struct jundefined){.name = text, .owner = jtype_name(owner)}).as.undefined;
    return (struct jvalue){.kind = J_UNDEFINED, .as.undefined = run->latest_undefined};
}

_Noreturn void jundefined_raise(struct jrun *run, struct jvalue undefined)
{
    const struct jundefined *u = undefined.as.undefined;
    int name_bytes = u->name == NULL ? 0 : u->name->count < 100 ? (int)u->name->count : 100;

    if (u->hint != NULL)
        jraise(run, "%s", u->hint);
    if (u->owner == NULL)
        jraise(run, "'%.*s' is undefined", name_bytes, u->name->bytes);
    if (u->name == NULL)
        jraise(run, "%s object has no such element", u->owner);
    if (u->owner == parameter_owner)
        jraise(run, "parameter '%.*s' was not provided", name_bytes, u->name->bytes);
    if (u->owner == type_names[J_NONE])
        jraise(run, "'None' has no attribute '%.*s'", name_bytes, u->name->bytes);
    jraise(run, "'%s object' has no attribute '%.*s'", u->owner, name_bytes, u->name->bytes);
}

/* ---- numbers and strings ----------------------------------------------------------------------------------------- */

double jdouble_of(struct jvalue value)
{
    return value.kind == J_FLOAT ? value.as.real : value.kind == J_BOOL ? value.as.boolean : (double)value.as.integer;
}

int64_t jint_of(struct jrun *run, struct jvalue value, const char *what)
{
    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (!jvalue_is_integral(value))
        jraise(run, "%s: '%s' object cannot be interpreted as an integer", what, jtype_name(value));
    return value.kind == J_BOOL ? value.as.boolean : value.as.integer;
}

const struct jstring *jstring_of(struct jrun *run, struct jvalue value, const char *what)
{
    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (value.kind != J_STRING)
        jraise(run, "%s must be a string, not %s", what, jtype_name(value));
    return value.as.string;
}

/* ---- truth and length -------------------------------------------------------------------------------------------- */

static int64_t loop_length(struct jrun *run, struct jloop *loop)
{
    /* As in the reference, a generator is drawn to its end for this, and walked from the collected rest afterwards. */
    if (loop->length < 0) {
        struct jlist *rest = jlist_from(run, jiterator_value(loop->source));
        loop->source = jiterate(run, jlist_value(rest, J_LIST));
        loop->length = (int64_t)rest->count + loop->index0 + 1 + (loop->next.kind != J_MISSING);
    }
    return loop->length;
}

bool jvalue_has_length(struct jvalue value)
{
    return value.kind == J_UNDEFINED || value.kind == J_STRING || value.kind == J_RANGE || value.kind == J_LOOP ||
           jvalue_is_sequence(value) || (value.kind >= J_DICT && value.kind <= J_ITEMS);
}

int64_t jlength(struct jrun *run, struct jvalue value)
{
    if (!jvalue_has_length(value))
        jraise(run, "object of type '%s' has no len()", jtype_name(value));
    switch (value.kind) {
    case J_UNDEFINED:
        return 0;
    case J_STRING:
        return (int64_t)value.as.string->chars;
    case J_RANGE:
        return value.as.range->count;
    case J_LOOP:
        return loop_length(run, value.as.loop);
    case J_LIST:
    case J_TUPLE:
    case J_GROUP:
        return (int64_t)value.as.list->count;
    default:
        return (int64_t)value.as.dict->count;
    }
}

bool jtruthy(struct jrun *run, struct jvalue value)
{
    switch (value.kind) {
    case J_NONE:
        return false;
    case J_BOOL:
        return value.as.boolean;
    case J_INT:
        return value.as.integer != 0;
    case J_FLOAT:
        return value.as.real != 0.0;
    default:
        return !jvalue_has_length(value) || jlength(run, value) != 0;
    }
}

/* ---- equality ---------------------------------------------------------------------------------------------------- */

static bool dicts_equal(struct jrun *run, const struct jdict *a, const struct jdict *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct jvalue *other = jdict_get(run, b, a->entries[i].key);
        if (other == NULL || !jequal(run, a->entries[i].value, *other))
            return false;
    }
    return true;
}

static bool numbers_equal(struct jvalue a, struct jvalue b)
{
    if (a.kind != J_FLOAT && b.kind != J_FLOAT)
        return (a.kind == J_BOOL ? a.as.boolean : a.as.integer) == (b.kind == J_BOOL ? b.as.boolean : b.as.integer);
    /* 64 bits of mantissa hold every integer and every double exactly. */
    return (a.kind == J_INT ? (long double)a.as.integer : (long double)jdouble_of(a)) ==
           (b.kind == J_INT ? (long double)b.as.integer : (long double)jdouble_of(b));
}

static bool lists_equal(struct jrun *run, const struct jlist *a, const struct jlist *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!jequal(run, a->items[i], b->items[i]))
            return false;
    }
    return true;
}

static bool ranges_equal(const struct jrange *a, const struct jrange *b)
{
    return a->count == b->count &&
           (a->count == 0 || (a->start == b->start && (a->count == 1 || a->step == b->step)));
}

static bool equal_inside(struct jrun *run, struct jvalue a, struct jvalue b)
{
    if (jvalue_is_number(a) && jvalue_is_number(b))
        return numbers_equal(a, b);
    if (jvalue_is_tuple(a) && jvalue_is_tuple(b))
        return lists_equal(run, a.as.list, b.as.list);
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case J_UNDEFINED:
    case J_NONE:
    case J_MISSING:
        return true;
    case J_STRING:
        return jstring_equal(run, a.as.string, b.as.string);
    case J_LIST:
        return lists_equal(run, a.as.list, b.as.list);
    case J_DICT:
    case J_ITEMS:
        return dicts_equal(run, a.as.dict, b.as.dict);
    case J_KEYS:
        if (a.as.dict->count != b.as.dict->count)
            return false;
        for (size_t i = 0; i < a.as.dict->count; i++) {
            if (jdict_get(run, b.as.dict, a.as.dict->entries[i].key) == NULL)
                return false;
        }
        return true;
    case J_RANGE:
        return ranges_equal(a.as.range, b.as.range);
    case J_VALUES: /* each call of values() gives another view, and these know no equality */
        return false;
    default: /* by identity */
        return a.as.iterator == b.as.iterator;
    }
}

bool jequal(struct jrun *run, struct jvalue a, struct jvalue b)
{
    bool equal;

    jrun_charge(run, 1);
    jrun_enter(run);
    equal = equal_inside(run, a, b);
    jrun_leave(run);
    return equal;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static int compare_numbers(struct jvalue a, struct jvalue b)
{
    long double x = a.kind == J_INT ? (long double)a.as.integer : (long double)jdouble_of(a);
    long double y = b.kind == J_INT ? (long double)b.as.integer : (long double)jdouble_of(b);

    if (isnan(x) || isnan(y))
        return 2;
    return x < y ? -1 : x > y;
}

int jcompare(struct jrun *run, struct jvalue a, struct jvalue b, const char *operator)
{
    int order = 0;

    jrun_charge(run, 1);
    if (a.kind == J_UNDEFINED || b.kind == J_UNDEFINED)
        jundefined_raise(run, a.kind == J_UNDEFINED ? a : b);
    if (jvalue_is_number(a) && jvalue_is_number(b))
        return compare_numbers(a, b);
    if (a.kind == J_STRING && b.kind == J_STRING) {
        jrun_charge_bytes(run, a.as.string->count);
        return jstring_compare(a.as.string, b.as.string);
    }
    if ((a.kind != J_LIST || b.kind != J_LIST) && (!jvalue_is_tuple(a) || !jvalue_is_tuple(b)))
        jraise(run, "'%s' not supported between instances of '%s' and '%s'", operator, jtype_name(a), jtype_name(b));

    jrun_enter(run);
    for (size_t i = 0; i < a.as.list->count && i < b.as.list->count && order == 0; i++) {
        if (!jequal(run, a.as.list->items[i], b.as.list->items[i]))
            order = jcompare(run, a.as.list->items[i], b.as.list->items[i], operator);
    }
    if (order == 0)
        order = a.as.list->count < b.as.list->count ? -1 : a.as.list->count > b.as.list->count;
    jrun_leave(run);
    return order;
}

bool jcontains(struct jrun *run, struct jvalue container, struct jvalue item)
{
    struct jiterator *iterator;
    struct jvalue each;

    switch (container.kind) {
    case J_STRING:
        if (item.kind == J_UNDEFINED || item.kind != J_STRING)
            jraise(run, "'in <string>' requires string as left operand, not %s", jtype_name(item));
        return jstring_find(run, container.as.string, item.as.string, 0, container.as.string->count) != SIZE_MAX;
    case J_DICT:
    case J_KEYS:
        return jdict_get(run, container.as.dict, item) != NULL;
    default:
        if (!jvalue_iterable(container) || container.kind == J_LOOP)
            jraise(run, "argument of type '%s' is not iterable", jtype_name(container));
        iterator = jiterate(run, container);
        while (jnext(run, iterator, &each)) {
            if (jequal(run, each, item))
                return true;
        }
        return false;
    }
}
