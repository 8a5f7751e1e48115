/* Resolves names to slots, with the rules by which jinja2's compiler makes them Python variables (its
 * idtracking.py):
 *
 *   - for, macro, call, filter, set ... endset, with, generation and block open a scope; if does not;
 *   - a name that a scope sets is its own there, beginning with the outer value if an outer scope has the name;
 *   - a name that is set before it is read, and not under an if, begins empty although the render may have such a
 *     variable;
 *   - any other name is the render's variable.
 *
 * A scope is read twice: once to see which names it sets, then to number the uses and to go into the scopes within.
 * Thread: the compiling one. Owner: the template's arena. */
#include "resolve.h"

static void number(struct resolver *r, struct jnode *node);

static void number_name(struct resolver *r, struct jnode *node)
{
    const struct jbinding *binding = node->as.name.symbol->binding;

    if (node->as.name.store && r->loop_depth > 0 && jstring_is(node->as.name.symbol->text, "loop")) {
        r->run->offset = node->offset;
        jfail(r->run, QUIRE_BAD_FILE, "can't assign to special loop variable in for-loop");
    }
    if (binding == NULL) { /* the filter of a set block, which the first reading does not see */
        node->as.name.hops = JNAME_FREE;
        node->as.name.number = jscope_free_number(r, node->as.name.symbol);
        return;
    }
    node->as.name.hops = r->scope->depth - binding->scope->depth;
    node->as.name.number = binding->number;
}

static void declare_targets(struct resolver *r, const struct jnode *target)
{
    if (target->kind == JN_NAME) {
        jscope_declare(r, target->as.name.symbol, JSLOT_EMPTY);
    } else if (target->kind == JN_TUPLE) {
        for (uint32_t i = 0; i < target->as.list.count; i++)
            declare_targets(r, target->as.list.items[i]);
    }
}

/* Opens a scope, in which nothing is under an if yet. */
static struct jscope *enter_scope(struct resolver *r, struct resolver *outside)
{
    *outside = *r;
    r->soft = false;
    r->conditional = false;
    return jscope_open(r);
}

static void leave_scope(struct resolver *r, const struct resolver *outside)
{
    jscope_close(r, outside->scope);
    r->soft = outside->soft;
    r->conditional = outside->conditional;
    r->loop_depth = outside->loop_depth;
}

static void number_body(struct resolver *r, const struct jnodes *body)
{
    jvisit_list(r, body, jsurvey);
    jvisit_list(r, body, number);
}

static void number_for(struct resolver *r, struct jnode *node)
{
    struct resolver outside;

    number(r, node->as.loop.iterable);
    /* Slot 0 is `loop`, then the targets, in the scope of the test as in that of the body; the test sees the outer
     * `loop`. */
    if (node->as.loop.test != NULL) {
        node->as.loop.test_scope = enter_scope(r, &outside);
        jscope_declare(r, NULL, JSLOT_EMPTY);
        declare_targets(r, node->as.loop.target);
        jsurvey(r, node->as.loop.test);
        number(r, node->as.loop.test);
        leave_scope(r, &outside);
    }
    node->as.loop.scope = enter_scope(r, &outside);
    r->loop_depth++;
    jscope_declare(r, jsymbol_get(r->run, r->template, "loop", 4), JSLOT_EMPTY);
    declare_targets(r, node->as.loop.target);
    number(r, node->as.loop.target);
    number_body(r, &node->as.loop.body);
    leave_scope(r, &outside);

    if (node->as.loop.otherwise.count > 0) {
        node->as.loop.else_scope = enter_scope(r, &outside);
        r->loop_depth++;
        number_body(r, &node->as.loop.otherwise);
        leave_scope(r, &outside);
    }
}

static void number_macro(struct resolver *r, struct jnode *node)
{
    struct jparameters *parameters = node->as.macro.parameters;
    struct jnodes defaults = {.items = parameters->defaults, .count = parameters->count};
    struct resolver outside;

    jvisit_if_any(r, node->as.macro.target, number);
    jvisit_if_any(r, node->as.macro.call, number);
    node->as.macro.scope = enter_scope(r, &outside);
    for (uint32_t i = 0; i < parameters->count; i++)
        jscope_declare(r, parameters->names[i], JSLOT_EMPTY);
    if (parameters->caller && !parameters->names_caller)
        jscope_declare(r, jsymbol_get(r->run, r->template, "caller", 6), JSLOT_EMPTY);
    if (parameters->keywords)
        jscope_declare(r, jsymbol_get(r->run, r->template, "kwargs", 6), JSLOT_EMPTY);
    if (parameters->rest)
        jscope_declare(r, jsymbol_get(r->run, r->template, "varargs", 7), JSLOT_EMPTY);
    jvisit_list(r, &defaults, jsurvey);
    jvisit_list(r, &defaults, number);
    number_body(r, &node->as.macro.body);
    leave_scope(r, &outside);
}

static void number_block(struct resolver *r, struct jnode *node)
{
    struct resolver outside;

    jvisit_if_any(r, node->as.block.target, number);
    node->as.block.scope = enter_scope(r, &outside);
    jvisit_if_any(r, node->as.block.filter, jsurvey);
    jvisit_if_any(r, node->as.block.filter, number);
    number_body(r, &node->as.block.body);
    leave_scope(r, &outside);
}

static void number_with(struct resolver *r, struct jnode *node)
{
    struct resolver outside;

    jvisit_list(r, &node->as.with.values, number);
    node->as.with.scope = enter_scope(r, &outside);
    for (uint32_t i = 0; i < node->as.with.targets.count; i++) {
        const struct jsymbol *symbol = node->as.with.targets.items[i]->as.name.symbol;
        if (symbol->binding == NULL || symbol->binding->scope != r->scope)
            declare_targets(r, node->as.with.targets.items[i]);
    }
    jvisit_list(r, &node->as.with.targets, number);
    number_body(r, &node->as.with.body);
    leave_scope(r, &outside);
}

static void number_if(struct resolver *r, struct jnode *node)
{
    bool soft = r->soft;

    r->soft = true;
    for (uint32_t i = 0; i < node->as.branch.count; i++) {
        number(r, node->as.branch.tests[i]);
        jvisit_list(r, &node->as.branch.bodies[i], number);
    }
    jvisit_list(r, &node->as.branch.otherwise, number);
    r->soft = soft;
}

static void number_expression(struct resolver *r, struct jnode *node)
{
    bool soft = r->soft;

    if ((node->kind == JN_FILTER || node->kind == JN_TEST) && node->as.call.builtin == NULL && !soft) {
        const struct jstring *name = node->as.call.name;
        r->run->offset = node->offset;
        jfail(r->run, QUIRE_BAD_FILE, "no %s named '%.*s'", node->kind == JN_FILTER ? "filter" : "test",
              name->count < 100 ? (int)name->count : 100, name->bytes);
    }
    r->soft = soft || node->kind == JN_CONDITION;
    jvisit_parts(r, node, number);
    r->soft = soft;
}

static void number(struct resolver *r, struct jnode *node)
{
    jrun_charge(r->run, 1);
    jrun_enter(r->run);
    switch ((enum jnode_kind)node->kind) {
    case JN_NAME:
        number_name(r, node);
        break;
    case JN_FOR:
        number_for(r, node);
        break;
    case JN_IF:
        number_if(r, node);
        break;
    case JN_MACRO:
    case JN_CALL_BLOCK:
        number_macro(r, node);
        break;
    case JN_FILTER_BLOCK:
    case JN_SET_BLOCK:
    case JN_SCOPE:
        number_block(r, node);
        break;
    case JN_BLOCK:
        break; /* after all else */
    case JN_SET:
        number(r, node->as.block.value);
        number(r, node->as.block.target);
        break;
    case JN_WITH:
        number_with(r, node);
        break;
    default:
        number_expression(r, node);
        break;
    }
    jrun_leave(r->run);
}

void jscope_resolve(struct jrun *run, struct jinja_template *template)
{
    struct resolver r = {.run = run, .template = template};

    template->scope = jscope_open(&r);
    number_body(&r, &template->body);
    r.in_block = true; /* blocks see the top level as a whole, wherever they stand */
    for (struct jnode *block = template->blocks; block != NULL; block = block->as.block.next) {
        if (block->kind == JN_BLOCK)
            number_block(&r, block);
    }
    jscope_close(&r, NULL);
}
