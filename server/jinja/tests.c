/* The tests that follow `is`. Thread: its run's. Owner: the run. */
#include "ast.h"
#include "builtin.h"
#include "unicode.h"

static struct jvalue test_kind(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jbool(call->args[0].kind == (enum jkind)call->builtin->option);
}

static struct jvalue test_defined(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jbool(call->args[0].kind != J_UNDEFINED);
}

static struct jvalue test_truth(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jbool(call->args[0].kind == J_BOOL && call->args[0].as.boolean == (call->builtin->option != 0));
}

static struct jvalue test_mapping(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jbool(call->args[0].kind == J_DICT);
}

static struct jvalue test_number(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jbool(jvalue_is_number(call->args[0]));
}

static struct jvalue test_sequence(struct jrun *run, const struct jcall *call)
{
    enum jkind kind = call->args[0].kind;

    (void)run;
    return jbool(kind == J_UNDEFINED || kind == J_STRING || kind == J_DICT || kind == J_RANGE ||
                 jvalue_is_sequence(call->args[0]));
}

static struct jvalue test_iterable(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jbool(jvalue_iterable(call->args[0]));
}

static struct jvalue test_callable(struct jrun *run, const struct jcall *call)
{
    enum jkind kind = call->args[0].kind;

    (void)run;
    return jbool(kind == J_UNDEFINED || kind == J_FUNCTION || kind == J_MACRO || kind == J_LOOP || kind == J_JOINER ||
                 kind == J_BLOCK);
}

static struct jvalue test_escaped(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jbool(call->args[0].kind == J_STRING && call->args[0].as.string->markup);
}

/* Option: the remainder of a division by two. */
static struct jvalue test_parity(struct jrun *run, const struct jcall *call)
{
    return jbool(jequal(run, jbinary(run, JOP_MOD, call->args[0], jint(2)), jint(call->builtin->option)));
}

static struct jvalue test_divisible(struct jrun *run, const struct jcall *call)
{
    return jbool(jequal(run, jbinary(run, JOP_MOD, call->args[0], call->args[1]), jint(0)));
}

/* Option: JCHAR_LOWER or JCHAR_UPPER. As str.islower: something is cased, and nothing the other way. */
static struct jvalue test_case(struct jrun *run, const struct jcall *call)
{
    return jbool(jall_case(run, jto_string(run, call->args[0]), call->builtin->option == JCHAR_UPPER));
}

static struct jvalue test_same(struct jrun *run, const struct jcall *call)
{
    struct jvalue a = call->args[0], b = call->args[1];

    if (a.kind != b.kind)
        return jbool(false);
    if (a.kind == J_BOOL || a.kind == J_NONE || a.kind == J_INT || a.kind == J_FLOAT || a.kind == J_STRING)
        return jbool(jequal(run, a, b));
    return jbool(a.as.list == b.as.list);
}

static struct jvalue test_in(struct jrun *run, const struct jcall *call)
{
    return jbool(jcontains(run, call->args[1], call->args[0]));
}

/* Option: the operator. */
static struct jvalue test_compare(struct jrun *run, const struct jcall *call)
{
    static const char *const signs[] = {[JOP_LT] = "<", [JOP_LE] = "<=", [JOP_GT] = ">", [JOP_GE] = ">="};
    int operator = call->builtin->option, order;

    if (operator == JOP_EQ || operator == JOP_NE)
        return jbool(jequal(run, call->args[0], call->args[1]) == (operator == JOP_EQ));
    order = jcompare(run, call->args[0], call->args[1], signs[operator]);
    return jbool((order == -1 && (operator == JOP_LT || operator == JOP_LE)) ||
                 (order == 1 && (operator == JOP_GT || operator == JOP_GE)) ||
                 (order == 0 && (operator == JOP_LE || operator == JOP_GE)));
}

static struct jvalue test_exists(struct jrun *run, const struct jcall *call)
{
    struct jvalue name = call->args[0];

    if (!jvalue_hashable(run, name))
        jraise(run, "unhashable type: '%s'", jtype_name(name));
    return jbool(name.kind == J_STRING &&
                 (call->builtin->option ? jfilter_find(name.as.string) : jtest_find(name.as.string)) != NULL);
}

const struct jbuiltin jtests[] = {
    {"defined", test_defined, "value", 1, 0},
    {"undefined", test_kind, "value", 1, J_UNDEFINED},
    {"none", test_kind, "value", 1, J_NONE},
    {"boolean", test_kind, "value", 1, J_BOOL},
    {"integer", test_kind, "value", 1, J_INT},
    {"float", test_kind, "value", 1, J_FLOAT},
    {"string", test_kind, "value", 1, J_STRING},
    {"false", test_truth, "value", 1, 0},
    {"true", test_truth, "value", 1, 1},
    {"mapping", test_mapping, "value", 1, 0},
    {"number", test_number, "value", 1, 0},
    {"sequence", test_sequence, "value", 1, 0},
    {"iterable", test_iterable, "value", 1, 0},
    {"callable", test_callable, "/obj", 1, 0},
    {"escaped", test_escaped, "value", 1, 0},
    {"odd", test_parity, "value", 1, 1},
    {"even", test_parity, "value", 1, 0},
    {"divisibleby", test_divisible, "value num", 2, 0},
    {"lower", test_case, "value", 1, JCHAR_LOWER},
    {"upper", test_case, "value", 1, JCHAR_UPPER},
    {"sameas", test_same, "value other", 2, 0},
    {"in", test_in, "value seq", 2, 0},
    {"filter", test_exists, "value", 1, 1},
    {"test", test_exists, "value", 1, 0},
    {"==", test_compare, "/a b", 2, JOP_EQ},
    {"eq", test_compare, "/a b", 2, JOP_EQ},
    {"equalto", test_compare, "/a b", 2, JOP_EQ},
    {"!=", test_compare, "/a b", 2, JOP_NE},
    {"ne", test_compare, "/a b", 2, JOP_NE},
    {">", test_compare, "/a b", 2, JOP_GT},
    {"gt", test_compare, "/a b", 2, JOP_GT},
    {"greaterthan", test_compare, "/a b", 2, JOP_GT},
    {">=", test_compare, "/a b", 2, JOP_GE},
    {"ge", test_compare, "/a b", 2, JOP_GE},
    {"<", test_compare, "/a b", 2, JOP_LT},
    {"lt", test_compare, "/a b", 2, JOP_LT},
    {"lessthan", test_compare, "/a b", 2, JOP_LT},
    {"<=", test_compare, "/a b", 2, JOP_LE},
    {"le", test_compare, "/a b", 2, JOP_LE},
    {0},
};
