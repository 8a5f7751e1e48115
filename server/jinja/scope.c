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
#include "ast.h"

struct jbinding {
    struct jsymbol *symbol;
    struct jscope *scope;
    uint32_t number;
    struct jbinding *shadowed; /* of the same symbol, further out */
    struct jbinding *next;     /* of the same scope */
};

struct resolver {
    struct jrun *run;
    struct jinja_template *template;
    struct jscope *scope;
    uint32_t loop_depth; /* for loops around: `loop` must not be set there */
    bool conditional;    /* under an if of this scope */
    bool soft;           /* the same, or in a conditional expression: unknown filters fail only when reached */
};

static void survey(struct resolver *r, const struct jnode *node);
static void number(struct resolver *r, struct jnode *node);

/* ---- scopes ------------------------------------------------------------------------------------------------------ */

static struct jscope *scope_open(struct resolver *r)
{
    struct jscope *scope = jalloc(r->run, sizeof *scope);

    *scope = (struct jscope){.depth = r->scope == NULL ? 0 : r->scope->depth + 1};
    r->scope = scope;
    return scope;
}

static void scope_close(struct resolver *r, struct jscope *outer)
{
    for (struct jbinding *binding = r->scope->bindings; binding != NULL; binding = binding->next)
        binding->symbol->binding = binding->shadowed;
    r->scope->bindings = NULL;
    r->scope = outer;
}

static uint32_t free_number(struct resolver *r, struct jsymbol *symbol)
{
    struct jinja_template *template = r->template;

    if (symbol->free_number == 0) {
        if (template->free_count == template->free_max) {
            uint32_t room = template->free_max == 0 ? 16 : template->free_max * 2;
            template->free_names = jalloc_grow(r->run, template->free_names, template->free_max * sizeof symbol,
                                               room * sizeof symbol);
            template->free_max = room;
        }
        template->free_names[template->free_count++] = symbol;
        symbol->free_number = template->free_count;
    }
    return symbol->free_number - 1;
}

/* A new slot of the current scope; `symbol` is NULL for one without a name. */
static void declare(struct resolver *r, struct jsymbol *symbol, enum jslot_start start)
{
    struct jscope *scope = r->scope;
    struct jslot *slot;

    if (scope->slot_count == scope->slot_max) {
        uint32_t room = scope->slot_max == 0 ? 4 : scope->slot_max * 2;
        scope->slots = jalloc_grow(r->run, scope->slots, scope->slot_max * sizeof *slot, room * sizeof *slot);
        scope->slot_max = room;
    }
    slot = &scope->slots[scope->slot_count++];
    *slot = (struct jslot){.start = start};
    if (start == JSLOT_OUTER) {
        slot->hops = scope->depth - 1 - symbol->binding->scope->depth;
        slot->number = symbol->binding->number;
    } else if (start == JSLOT_FREE) {
        slot->number = free_number(r, symbol);
    }
    if (symbol != NULL) {
        struct jbinding *binding = jalloc(r->run, sizeof *binding);
        *binding = (struct jbinding){.symbol = symbol,
                                     .scope = scope,
                                     .number = scope->slot_count - 1,
                                     .shadowed = symbol->binding,
                                     .next = scope->bindings};
        symbol->binding = binding;
        scope->bindings = binding;
    }
}

static void load(struct resolver *r, struct jsymbol *symbol)
{
    if (symbol->binding == NULL)
        declare(r, symbol, JSLOT_FREE);
}

static void store(struct resolver *r, struct jsymbol *symbol)
{
    if (symbol->binding != NULL && symbol->binding->scope == r->scope)
        return;
    if (symbol->binding != NULL)
        declare(r, symbol, JSLOT_OUTER);
    else
        declare(r, symbol, r->conditional ? JSLOT_FREE : JSLOT_EMPTY);
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

typedef void visit_fn(struct resolver *r, struct jnode *node);

static void visit_list(struct resolver *r, const struct jnodes *list, visit_fn *visit)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] != NULL)
            visit(r, list->items[i]);
    }
}

static void visit_if_any(struct resolver *r, struct jnode *node, visit_fn *visit)
{
    if (node != NULL)
        visit(r, node);
}

static void visit_call(struct resolver *r, const struct jnode *node, visit_fn *visit)
{
    const struct jarguments *arguments = node->as.call.arguments;

    visit_if_any(r, node->as.call.object, visit);
    if (arguments == NULL)
        return;
    visit_list(r, &arguments->positional, visit);
    for (uint32_t i = 0; i < arguments->keyword_count; i++)
        visit(r, arguments->keywords[i].value);
    visit_if_any(r, arguments->list, visit);
    visit_if_any(r, arguments->dict, visit);
}

/* The parts of an expression. */
static void visit_parts(struct resolver *r, struct jnode *node, visit_fn *visit)
{
    switch ((enum jnode_kind)node->kind) {
    case JN_TUPLE:
    case JN_LIST:
    case JN_DICT:
    case JN_CONCAT:
    case JN_OUTPUT:
        visit_list(r, &node->as.list, visit);
        break;
    case JN_ATTRIBUTE:
        visit(r, node->as.attribute.object);
        break;
    case JN_ITEM:
        visit(r, node->as.item.object);
        visit(r, node->as.item.key);
        break;
    case JN_SLICE:
        visit_if_any(r, node->as.slice.start, visit);
        visit_if_any(r, node->as.slice.stop, visit);
        visit_if_any(r, node->as.slice.step, visit);
        break;
    case JN_CALL:
    case JN_FILTER:
    case JN_TEST:
        visit_call(r, node, visit);
        break;
    case JN_CONDITION:
        visit(r, node->as.condition.test);
        visit(r, node->as.condition.yes);
        visit_if_any(r, node->as.condition.no, visit);
        break;
    case JN_AND:
    case JN_OR:
    case JN_BINARY:
    case JN_NOT:
    case JN_NEGATIVE:
    case JN_POSITIVE:
        visit(r, node->as.operands.left);
        visit_if_any(r, node->as.operands.right, visit);
        break;
    case JN_COMPARE:
        visit(r, node->as.compare.first);
        visit_list(r, &node->as.compare.operands, visit);
        break;
    case JN_MEMBER:
        visit(r, node->as.member.object);
        break;
    default:
        break;
    }
}

/* ---- first reading: which names does this scope set? ------------------------------------------------------------- */

static void survey_inside(struct resolver *r, struct jnode *node)
{
    bool conditional = r->conditional;

    jrun_charge(r->run, 1);
    jrun_enter(r->run);
    switch ((enum jnode_kind)node->kind) {
    case JN_NAME:
        (node->as.name.store ? store : load)(r, node->as.name.symbol);
        break;
    case JN_FOR:
        survey(r, node->as.loop.iterable);
        break;
    case JN_IF:
        r->conditional = true;
        for (uint32_t i = 0; i < node->as.branch.count; i++) {
            survey(r, node->as.branch.tests[i]);
            visit_list(r, &node->as.branch.bodies[i], survey_inside);
        }
        visit_list(r, &node->as.branch.otherwise, survey_inside);
        r->conditional = conditional;
        break;
    case JN_MACRO:
        survey(r, node->as.macro.target);
        break;
    case JN_CALL_BLOCK:
        survey(r, node->as.macro.call);
        break;
    case JN_FILTER_BLOCK:
        survey(r, node->as.block.filter);
        break;
    case JN_SET:
        survey(r, node->as.block.value);
        survey(r, node->as.block.target);
        break;
    case JN_SET_BLOCK:
        survey(r, node->as.block.target);
        break;
    case JN_WITH:
        visit_list(r, &node->as.with.values, survey_inside);
        break;
    default:
        visit_parts(r, node, survey_inside);
        break;
    }
    jrun_leave(r->run);
}

static void survey(struct resolver *r, const struct jnode *node)
{
    survey_inside(r, (struct jnode *)node);
}

/* ---- second reading: where is each name? ------------------------------------------------------------------------- */

static void number_name(struct resolver *r, struct jnode *node)
{
    const struct jbinding *binding = node->as.name.symbol->binding;

    if (node->as.name.store && r->loop_depth > 0 && jstring_is(node->as.name.symbol->text, "loop")) {
        r->run->offset = node->offset;
        jfail(r->run, QUIRE_BAD_FILE, "can't assign to special loop variable in for-loop");
    }
    if (binding == NULL) { /* the filter of a set block, which the first reading does not see */
        node->as.name.hops = JNAME_FREE;
        node->as.name.number = free_number(r, node->as.name.symbol);
        return;
    }
    node->as.name.hops = r->scope->depth - binding->scope->depth;
    node->as.name.number = binding->number;
}

static void declare_targets(struct resolver *r, const struct jnode *target)
{
    if (target->kind == JN_NAME) {
        declare(r, target->as.name.symbol, JSLOT_EMPTY);
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
    return scope_open(r);
}

static void leave_scope(struct resolver *r, const struct resolver *outside)
{
    scope_close(r, outside->scope);
    r->soft = outside->soft;
    r->conditional = outside->conditional;
    r->loop_depth = outside->loop_depth;
}

static void number_body(struct resolver *r, const struct jnodes *body)
{
    visit_list(r, body, survey_inside);
    visit_list(r, body, number);
}

static void number_for(struct resolver *r, struct jnode *node)
{
    struct resolver outside;

    number(r, node->as.loop.iterable);
    /* Slot 0 is `loop`, then the targets, in the scope of the test as in that of the body; the test sees the outer
     * `loop`. */
    if (node->as.loop.test != NULL) {
        node->as.loop.test_scope = enter_scope(r, &outside);
        declare(r, NULL, JSLOT_EMPTY);
        declare_targets(r, node->as.loop.target);
        survey(r, node->as.loop.test);
        number(r, node->as.loop.test);
        leave_scope(r, &outside);
    }
    node->as.loop.scope = enter_scope(r, &outside);
    r->loop_depth++;
    declare(r, jsymbol_get(r->run, r->template, "loop", 4), JSLOT_EMPTY);
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

    visit_if_any(r, node->as.macro.target, number);
    visit_if_any(r, node->as.macro.call, number);
    node->as.macro.scope = enter_scope(r, &outside);
    for (uint32_t i = 0; i < parameters->count; i++)
        declare(r, parameters->names[i], JSLOT_EMPTY);
    if (parameters->caller && !parameters->names_caller)
        declare(r, jsymbol_get(r->run, r->template, "caller", 6), JSLOT_EMPTY);
    if (parameters->keywords)
        declare(r, jsymbol_get(r->run, r->template, "kwargs", 6), JSLOT_EMPTY);
    if (parameters->rest)
        declare(r, jsymbol_get(r->run, r->template, "varargs", 7), JSLOT_EMPTY);
    visit_list(r, &defaults, survey_inside);
    visit_list(r, &defaults, number);
    number_body(r, &node->as.macro.body);
    leave_scope(r, &outside);
}

static void number_block(struct resolver *r, struct jnode *node)
{
    struct resolver outside;

    visit_if_any(r, node->as.block.target, number);
    node->as.block.scope = enter_scope(r, &outside);
    visit_if_any(r, node->as.block.filter, survey_inside);
    visit_if_any(r, node->as.block.filter, number);
    number_body(r, &node->as.block.body);
    leave_scope(r, &outside);
}

static void number_with(struct resolver *r, struct jnode *node)
{
    struct resolver outside;

    visit_list(r, &node->as.with.values, number);
    node->as.with.scope = enter_scope(r, &outside);
    for (uint32_t i = 0; i < node->as.with.targets.count; i++) {
        const struct jsymbol *symbol = node->as.with.targets.items[i]->as.name.symbol;
        if (symbol->binding == NULL || symbol->binding->scope != r->scope)
            declare_targets(r, node->as.with.targets.items[i]);
    }
    visit_list(r, &node->as.with.targets, number);
    number_body(r, &node->as.with.body);
    leave_scope(r, &outside);
}

static void number_if(struct resolver *r, struct jnode *node)
{
    bool soft = r->soft;

    r->soft = true;
    for (uint32_t i = 0; i < node->as.branch.count; i++) {
        number(r, node->as.branch.tests[i]);
        visit_list(r, &node->as.branch.bodies[i], number);
    }
    visit_list(r, &node->as.branch.otherwise, number);
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
    visit_parts(r, node, number);
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

    template->scope = scope_open(&r);
    number_body(&r, &template->body);
    scope_close(&r, NULL);
}
