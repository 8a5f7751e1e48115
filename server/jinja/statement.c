/* Executes statements: output, branches, loops, assignments, and the scopes that they open.
 * Thread: its run's. Owner: the run. */
#include "eval.h"

#include <string.h>

/* ---- frames ------------------------------------------------------------------------------------------------------ */

struct jframe *jframe_up(struct jframe *frame, uint32_t hops)
{
    while (hops-- > 0)
        frame = frame->outer;
    return frame;
}

static void frame_start(struct jrun *run, const struct jscope *scope, struct jframe *frame)
{
    jrun_charge_bytes(run, scope->slot_count * 2);
    for (uint32_t i = 0; i < scope->slot_count; i++) {
        const struct jslot *slot = &scope->slots[i];
        if (slot->start == JSLOT_OUTER) {
            jrun_charge(run, slot->hops / 8);
            frame->slots[i] = jframe_up(frame->outer, slot->hops)->slots[slot->number];
        } else if (slot->start == JSLOT_CONTEXT && run->top->slots[slot->top_number].kind != J_MISSING) {
            frame->slots[i] = run->top->slots[slot->top_number];
        } else if (slot->start == JSLOT_FREE || slot->start == JSLOT_CONTEXT) {
            frame->slots[i] = run->names[slot->number];
        } else {
            frame->slots[i] = jmissing();
        }
    }
}

struct jframe *jframe_new(struct jrun *run, const struct jscope *scope, struct jframe *outer)
{
    struct jframe *frame = jalloc(run, sizeof *frame + scope->slot_count * sizeof(struct jvalue));

    frame->outer = outer;
    frame_start(run, scope, frame);
    return frame;
}

const struct jstring *jcapture(struct jrun *run, struct jframe *frame, const struct jnodes *body)
{
    struct jbuilder text, *outer = run->out;

    jbuilder_init(&text, run);
    run->out = &text;
    jexecute(run, frame, body);
    run->out = outer;
    return jbuilder_string(&text);
}

/* ---- assignment -------------------------------------------------------------------------------------------------- */

static struct jvalue target_namespace(struct jrun *run, struct jframe *frame, const struct jnode *target)
{
    const struct jnode *name = target->as.member.object;
    struct jvalue object = name->as.name.hops == JNAME_FREE
                               ? run->names[name->as.name.number]
                               : jframe_up(frame, name->as.name.hops)->slots[name->as.name.number];

    run->offset = target->offset;
    if (object.kind != J_NAMESPACE)
        jraise(run, "cannot assign attribute on non-namespace object");
    return object;
}

static void assign_member(struct jrun *run, struct jframe *frame, const struct jnode *target, struct jvalue value)
{
    struct jvalue object = target_namespace(run, frame, target);

    if (target->as.member.name->bytes[0] == '_')
        jraise(run, "chat templates cannot store underscore-prefixed attributes on a namespace");
    jdict_set(run, object.as.dict, jstr(target->as.member.name), value);
}

static void assign(struct jrun *run, struct jframe *frame, const struct jnode *target, struct jvalue value)
{
    struct jlist *items;

    if (target->kind == JN_NAME) {
        jframe_up(frame, target->as.name.hops)->slots[target->as.name.number] = value;
        return;
    }
    if (target->kind == JN_MEMBER) {
        assign_member(run, frame, target, value);
        return;
    }
    run->offset = target->offset;
    if (!jvalue_iterable(value))
        jraise(run, "cannot unpack non-iterable %s object", jtype_name(value));
    items = jvalue_is_sequence(value) ? value.as.list : jlist_from(run, value);
    if (items->count != target->as.list.count)
        jraise(run, "%s values to unpack (expected %u, got %zu)",
               items->count < target->as.list.count ? "not enough" : "too many", target->as.list.count, items->count);
    for (uint32_t i = 0; i < target->as.list.count; i++)
        assign(run, frame, target->as.list.items[i], items->items[i]);
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

/* The items of `for target in iterable if test` that pass the test, which is evaluated when the loop comes to them. */
struct tested {
    struct jframe *frame;
    const struct jnode *node;
};

static struct jvalue repack(struct jrun *run, struct jframe *frame, const struct jnode *target)
{
    struct jlist *items;

    if (target->kind == JN_NAME)
        return frame->slots[target->as.name.number];
    items = jlist_new(run, target->as.list.count);
    for (uint32_t i = 0; i < target->as.list.count; i++)
        jlist_append(run, items, repack(run, frame, target->as.list.items[i]));
    return jlist_value(items, J_TUPLE);
}

static bool next_tested(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct tested *tested = self->state;
    const struct jnode *node = tested->node;

    while (jnext(run, self->inner, out)) {
        assign(run, tested->frame, node->as.loop.target, *out);
        if (jtruthy(run, jeval(run, tested->frame, node->as.loop.test))) {
            *out = repack(run, tested->frame, node->as.loop.target);
            return true;
        }
    }
    return false;
}

static struct jiterator *loop_source(struct jrun *run, struct jframe *frame, const struct jnode *node,
                                     struct jvalue iterable)
{
    struct jiterator *source = jiterate(run, iterable), *filter;
    struct tested *tested;

    if (node->as.loop.test == NULL)
        return source;
    tested = jalloc(run, sizeof *tested);
    *tested = (struct tested){.frame = jframe_new(run, node->as.loop.test_scope, frame), .node = node};
    filter = jiterator_new(run, next_tested);
    filter->inner = source;
    filter->state = tested;
    return filter;
}

static bool loop_advance(struct jrun *run, struct jloop *loop)
{
    struct jvalue item = loop->next;

    if (item.kind == J_MISSING && !jnext(run, loop->source, &item))
        return false;
    loop->next = jmissing();
    loop->previous = loop->current;
    loop->current = item;
    loop->index0++;
    return true;
}

static struct jvalue loop_peek(struct jrun *run, struct jloop *loop)
{
    struct jvalue item;

    if (loop->next.kind == J_MISSING && jnext(run, loop->source, &item))
        loop->next = item;
    return loop->next;
}

static struct jvalue loop_sibling(struct jrun *run, struct jvalue item, const char *hint)
{
    return item.kind != J_MISSING ? item : jundefined_hint(run, hint);
}

struct jvalue jloop_attribute(struct jrun *run, struct jloop *loop, const struct jstring *name)
{
    static const char *const names[] = {"index", "index0",  "first",    "last",     "length", "revindex",
                                        "revindex0", "depth", "depth0", "previtem", "nextitem"};
    struct jvalue self = {.kind = J_LOOP, .as.loop = loop};
    size_t which = 0;

    while (which < sizeof names / sizeof *names && !jstring_is(name, names[which]))
        which++;
    switch (which) {
    case 0:
        return jint(loop->index0 + 1);
    case 1:
        return jint(loop->index0);
    case 2:
        return jbool(loop->index0 == 0);
    case 3:
        return jbool(loop_peek(run, loop).kind == J_MISSING);
    case 4:
        return jint(jlength(run, self));
    case 5:
        return jint(jlength(run, self) - loop->index0);
    case 6:
        return jint(jlength(run, self) - loop->index0 - 1);
    case 7:
        return jint(loop->depth0 + 1);
    case 8:
        return jint(loop->depth0);
    case 9:
        return loop_sibling(run, loop->index0 == 0 ? jmissing() : loop->previous, "there is no previous item");
    case 10:
        return loop_sibling(run, loop_peek(run, loop), "there is no next item");
    default:
        return jmissing();
    }
}

void jloop_run(struct jrun *run, struct jframe *frame, const struct jnode *node, struct jvalue iterable, int64_t depth0)
{
    struct jloop *loop = jalloc(run, sizeof *loop);
    struct jframe *inner;
    enum jflow flow;
    bool sized = node->as.loop.test == NULL && jvalue_has_length(iterable) && iterable.kind != J_LOOP;
    bool completed = false;

    *loop = (struct jloop){.source = loop_source(run, frame, node, iterable),
                           .index0 = -1,
                           .depth0 = depth0,
                           .length = sized ? jlength(run, iterable) : -1,
                           .node = node,
                           .frame = frame};
    inner = jframe_new(run, node->as.loop.scope, frame);
    while (loop_advance(run, loop)) {
        jrun_charge(run, 1);
        if (loop->index0 > 0)
            frame_start(run, node->as.loop.scope, inner);
        inner->slots[0] = (struct jvalue){.kind = J_LOOP, .as.loop = loop};
        assign(run, inner, node->as.loop.target, loop->current);
        flow = jexecute(run, inner, &node->as.loop.body);
        if (flow == JFLOW_BREAK)
            break;
        completed = completed || flow == JFLOW_NEXT;
    }
    /* As in the reference, a round counts only when it came to its end, without break or continue. */
    if (!completed && node->as.loop.otherwise.count > 0)
        jexecute(run, jframe_new(run, node->as.loop.else_scope, frame), &node->as.loop.otherwise);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static void output(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    for (uint32_t i = 0; i < node->as.list.count; i++) {
        const struct jnode *part = node->as.list.items[i];
        if (part->kind == JN_CONST && part->as.constant.kind == J_STRING) {
            jrun_charge(run, 1);
            jbuilder_add_string(run->out, part->as.constant.as.string);
        } else {
            jadd_str(run->out, jeval(run, frame, part));
        }
    }
}

/* What a call block or a filter block gives must be text already. */
static void output_text(struct jrun *run, const struct jnode *node, struct jvalue value)
{
    run->offset = node->offset;
    jbuilder_add_string(run->out, jstring_of(run, value, "the result of a block"));
}

static struct jvalue macro_value(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jmacro *macro = jalloc(run, sizeof *macro);

    *macro = (struct jmacro){.node = node, .frame = frame};
    return (struct jvalue){.kind = J_MACRO, .as.macro = macro};
}

static void call_block(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    const struct jnode *call = node->as.macro.call;
    struct jvalue callee = jeval(run, frame, call->as.call.object);

    output_text(run, node, jeval_call(run, frame, call, callee, macro_value(run, frame, node)));
}

/* The text of a set or filter block, sent through its filters. */
static struct jvalue block_value(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jframe *inner = jframe_new(run, node->as.block.scope, frame);
    const struct jstring *text = jcapture(run, inner, &node->as.block.body);

    if (node->as.block.filter == NULL)
        return jstr(text);
    run->block_text = text;
    return jeval(run, inner, node->as.block.filter);
}

static enum jflow branch(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    for (uint32_t i = 0; i < node->as.branch.count; i++) {
        if (jtruthy(run, jeval(run, frame, node->as.branch.tests[i])))
            return jexecute(run, frame, &node->as.branch.bodies[i]);
    }
    return jexecute(run, frame, &node->as.branch.otherwise);
}

static enum jflow with(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jframe *inner = jframe_new(run, node->as.with.scope, frame);

    for (uint32_t i = 0; i < node->as.with.targets.count; i++)
        assign(run, inner, node->as.with.targets.items[i], jeval(run, frame, node->as.with.values.items[i]));
    return jexecute(run, inner, &node->as.with.body);
}

enum jflow jblock_run(struct jrun *run, const struct jnode *node)
{
    if (node->flag)
        jraise(run, "Required block '%.*s' not found",
               node->as.block.name->count < 100 ? (int)node->as.block.name->count : 100, node->as.block.name->bytes);
    return jexecute(run, jframe_new(run, node->as.block.scope, run->top), &node->as.block.body);
}

static enum jflow execute_one(struct jrun *run, struct jframe *frame, const struct jnode *node)
{
    struct jframe *inner;
    struct jvalue value;

    switch ((enum jnode_kind)node->kind) {
    case JN_OUTPUT:
        output(run, frame, node);
        return JFLOW_NEXT;
    case JN_IF:
        return branch(run, frame, node);
    case JN_FOR:
        value = jeval(run, frame, node->as.loop.iterable);
        run->offset = node->as.loop.iterable->offset;
        jloop_run(run, frame, node, value, 0);
        return JFLOW_NEXT;
    case JN_SET:
        if (node->as.block.target->kind == JN_MEMBER) /* looked at before the value is, as in the reference */
            target_namespace(run, frame, node->as.block.target);
        value = jeval(run, frame, node->as.block.value);
        assign(run, frame, node->as.block.target, value);
        return JFLOW_NEXT;
    case JN_SET_BLOCK:
        assign(run, frame, node->as.block.target, block_value(run, frame, node));
        return JFLOW_NEXT;
    case JN_MACRO:
        assign(run, frame, node->as.macro.target, macro_value(run, frame, node));
        return JFLOW_NEXT;
    case JN_CALL_BLOCK:
        call_block(run, frame, node);
        return JFLOW_NEXT;
    case JN_FILTER_BLOCK:
        output_text(run, node, block_value(run, frame, node));
        return JFLOW_NEXT;
    case JN_WITH:
        return with(run, frame, node);
    case JN_SCOPE:
        inner = jframe_new(run, node->as.block.scope, frame);
        return jexecute(run, inner, &node->as.block.body);
    case JN_BLOCK:
        return jblock_run(run, node);
    case JN_BREAK:
        return JFLOW_BREAK;
    case JN_CONTINUE:
        return JFLOW_CONTINUE;
    default:
        jraise(run, "there is no other template to load from here");
    }
}

enum jflow jexecute(struct jrun *run, struct jframe *frame, const struct jnodes *body)
{
    enum jflow flow = JFLOW_NEXT;

    jrun_enter(run);
    for (uint32_t i = 0; i < body->count && flow == JFLOW_NEXT; i++) {
        jrun_charge(run, 1);
        run->offset = body->items[i]->offset;
        flow = execute_one(run, frame, body->items[i]);
    }
    jrun_leave(run);
    return flow;
}
