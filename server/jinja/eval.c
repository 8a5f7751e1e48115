/* Evaluates expressions. Thread: its run's. Owner: the run. */
#include "eval.h"

#include <assert.h>

#define ARGUMENTS_INLINE 6u

/* ---- calls, filters, tests --------------------------------------------------------------------------------------- */

static struct jdict *eval_keywords(struct jrun *run, struct jframe *frame, const struct jarguments *arguments,
                                   struct jvalue forwarded)
{
    struct jdict *keywords;

    if (arguments->keyword_count == 0 && arguments->dict == NULL && forwarded.kind == J_MISSING)
        return NULL;
    keywords = jdict_new(run, arguments->keyword_count + 1);
    for (uint32_t i = 0; i < arguments->keyword_count; i++)
        jdict_set(run, keywords, jstr(arguments->keywords[i].name), jeval(run, frame, arguments->keywords[i].value));
    if (forwarded.kind != J_MISSING)
        jdict_set(run, keywords, jstr(jstring_new(run, "caller", 6, true)), forwarded);
    if (arguments->dict != NULL) {
        struct jvalue more = jeval(run, frame, arguments->dict);
        if (more.kind != J_DICT)
            jraise(run, "argument after ** must be a mapping, not %s", jtype_name(more));
        for (size_t i = 0; i < more.as.dict->count; i++) {
            struct jvalue key = more.as.dict->entries[i].key;
            if (key.kind != J_STRING || jdict_get(run, keywords, key) != NULL)
                jraise(run, "keywords must be strings, each given once");
            jdict_set(run, keywords, key, more.as.dict->entries[i].value);
        }
    }
    return keywords;
}

struct jvalue jeval_call(struct jrun *run, struct jframe *frame, const struct jnode *node, struct jvalue first,
                         struct jvalue forwarded)
{
    static const struct jarguments none;
    const struct jarguments *arguments = node->as.call.arguments != NULL ? node->as.call.arguments : &none;
    struct jvalue few[ARGUMENTS_INLINE], *args = few;
    struct jdict *keywords;
    size_t count = 0;

    if (node->kind != JN_CALL && node->as.call.builtin == NULL)
        jraise(run, "no %s named '%.*s' found", node->kind == JN_FILTER ? "filter" : "test",
               node->as.call.name->count < 100 ? (int)node->as.call.name->count : 100, node->as.call.name->bytes);
    if (arguments->list != NULL || arguments->positional.count + 1 > ARGUMENTS_INLINE) {
        struct jlist *list = jlist_new(run, arguments->positional.count + 1);
        if (node->kind != JN_CALL)
            jlist_append(run, list, first);
        for (uint32_t i = 0; i < arguments->positional.count; i++)
            jlist_append(run, list, jeval(run, frame, arguments->positional.items[i]));
        if (arguments->list != NULL) {
            struct jiterator *more = jiterate(run, jeval(run, frame, arguments->list));
            struct jvalue item;
            while (jnext(run, more, &item))
                jlist_append(run, list, item);
        }
        args = list->items;
        count = list->count;
    } else {
        if (node->kind != JN_CALL)
            args[count++] = first;
        for (uint32_t i = 0; i < arguments->positional.count; i++)
            args[count++] = jeval(run, frame, arguments->positional.items[i]);
    }
    keywords = eval_keywords(run, frame, arguments, forwarded);
    run->offset = node->offset;
    if (node->kind == JN_CALL)
        return jcall_value(run, first, args, count, keywords);
    return jbuiltin_call(run, node->as.call.builtin, jmissing(), args, count, keywords);
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static struct jvalue eval_name(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jvalue value;

    if (node->as.name.hops == JNAME_FREE) {
        value = run->names[node->as.name.number];
    } else {
        jrun_charge(run, node->as.name.hops / 8);
        value = jframe_up(frame, node->as.name.hops)->slots[node->as.name.number];
    }
    return value.kind == J_MISSING ? jundefined_name(run, node->as.name.symbol->text) : value;
}

static struct jvalue eval_list(struct jrun *run, struct jframe *frame, const struct jnode *node, enum jkind kind)
{
    struct jlist *list = jlist_new(run, node->as.list.count);

    for (uint32_t i = 0; i < node->as.list.count; i++)
        jlist_append(run, list, jeval(run, frame, node->as.list.items[i]));
    return jlist_value(list, kind);
}

static struct jvalue eval_dict(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jdict *dict = jdict_new(run, node->as.list.count / 2);

    for (uint32_t i = 0; i + 1 < node->as.list.count; i += 2) {
        struct jvalue key = jeval(run, frame, node->as.list.items[i]);
        struct jvalue value = jeval(run, frame, node->as.list.items[i + 1]);
        run->offset = node->offset;
        jdict_set(run, dict, key, value);
    }
    return jdict_value(dict, J_DICT);
}

static struct jvalue eval_part(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    return node == NULL ? jnone() : jeval(run, frame, node);
}

static struct jvalue eval_item(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jvalue object = jeval(run, frame, node->as.item.object), key;
    const struct jnode *slice = node->as.item.key;

    if (slice->kind == JN_SLICE) {
        struct jvalue start = eval_part(run, frame, slice->as.slice.start);
        struct jvalue stop = eval_part(run, frame, slice->as.slice.stop);
        struct jvalue step = eval_part(run, frame, slice->as.slice.step);
        run->offset = node->offset;
        return jslice(run, object, start, stop, step);
    }
    key = jeval(run, frame, slice);
    run->offset = node->offset;
    return jitem(run, object, key);
}

static struct jvalue eval_condition(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    if (jtruthy(run, jeval(run, frame, node->as.condition.test)))
        return jeval(run, frame, node->as.condition.yes);
    if (node->as.condition.no != NULL)
        return jeval(run, frame, node->as.condition.no);
    return jundefined_hint(run, "the inline if-expression evaluated to false and no else section was defined");
}

static struct jvalue eval_sign(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jvalue value = jeval(run, frame, node->as.operands.left);
    bool negative = node->kind == JN_NEGATIVE;
    int64_t integer;

    run->offset = node->offset;
    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (!jvalue_is_number(value))
        jraise(run, "bad operand type for unary %c: '%s'", negative ? '-' : '+', jtype_name(value));
    if (value.kind == J_FLOAT)
        return jfloat(negative ? -value.as.real : value.as.real);
    integer = jint_of(run, value, "sign");
    if (negative && __builtin_sub_overflow(0, integer, &integer))
        jfail(run, QUIRE_UNSUPPORTED, "an integer beyond 64 bits");
    return jint(integer);
}

static struct jvalue eval_concat(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    const struct jstring *first = jto_string(run, jeval(run, frame, node->as.list.items[0]));
    struct jbuilder rest;

    jbuilder_init(&rest, run);
    for (uint32_t i = 1; i < node->as.list.count; i++)
        jadd_str(&rest, jeval(run, frame, node->as.list.items[i]));
    return jstr(jstring_append(run, first, jbuilder_string(&rest)));
}

static bool compare(struct jrun *run, int operator, struct jvalue left, struct jvalue right)
{
    int order;

    switch (operator) {
    case JOP_EQ:
        return jequal(run, left, right);
    case JOP_NE:
        return !jequal(run, left, right);
    case JOP_IN:
        return jcontains(run, right, left);
    case JOP_NOT_IN:
        return !jcontains(run, right, left);
    case JOP_LT:
        return jcompare(run, left, right, "<") == -1;
    case JOP_LE:
        order = jcompare(run, left, right, "<=");
        return order == -1 || order == 0;
    case JOP_GT:
        return jcompare(run, left, right, ">") == 1;
    default:
        order = jcompare(run, left, right, ">=");
        return order == 1 || order == 0;
    }
}

static struct jvalue eval_compare(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jvalue left = jeval(run, frame, node->as.compare.first);

    for (uint32_t i = 0; i < node->as.compare.operands.count; i++) {
        struct jvalue right = jeval(run, frame, node->as.compare.operands.items[i]);
        run->offset = node->offset;
        if (!compare(run, node->as.compare.operators[i], left, right))
            return jbool(false);
        left = right;
    }
    return jbool(true);
}

static struct jvalue eval_inside(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jvalue left, right;

    switch ((enum jnode_kind)node->kind) {
    case JN_CONST:
        return node->as.constant;
    case JN_NAME:
        return eval_name(run, frame, node);
    case JN_TUPLE:
        return eval_list(run, frame, node, J_TUPLE);
    case JN_LIST:
        return eval_list(run, frame, node, J_LIST);
    case JN_DICT:
        return eval_dict(run, frame, node);
    case JN_ATTRIBUTE:
        left = jeval(run, frame, node->as.attribute.object);
        run->offset = node->offset;
        return jattribute(run, left, node->as.attribute.name);
    case JN_ITEM:
        return eval_item(run, frame, node);
    case JN_CALL:
    case JN_FILTER:
    case JN_TEST:
        left = node->as.call.object != NULL ? jeval(run, frame, node->as.call.object) : jstr(run->block_text);
        run->offset = node->offset;
        return jeval_call(run, frame, node, left, jmissing());
    case JN_CONDITION:
        return eval_condition(run, frame, node);
    case JN_AND:
        left = jeval(run, frame, node->as.operands.left);
        return jtruthy(run, left) ? jeval(run, frame, node->as.operands.right) : left;
    case JN_OR:
        left = jeval(run, frame, node->as.operands.left);
        return jtruthy(run, left) ? left : jeval(run, frame, node->as.operands.right);
    case JN_NOT:
        return jbool(!jtruthy(run, jeval(run, frame, node->as.operands.left)));
    case JN_NEGATIVE:
    case JN_POSITIVE:
        return eval_sign(run, frame, node);
    case JN_BINARY:
        left = jeval(run, frame, node->as.operands.left);
        right = jeval(run, frame, node->as.operands.right);
        run->offset = node->offset;
        return jbinary(run, node->operator, left, right);
    case JN_CONCAT:
        return eval_concat(run, frame, node);
    case JN_COMPARE:
        return eval_compare(run, frame, node);
    default:
        jraise(run, "a slice is not a value");
    }
}

struct jvalue jeval(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jvalue value;

    jrun_charge(run, 1);
    jrun_enter(run);
    run->offset = node->offset;
    value = eval_inside(run, frame, node);
    assert(value.kind != J_MISSING);
    jrun_leave(run);
    return value;
}
