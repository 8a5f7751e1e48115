/* The walk over expressions, and the first reading of a scope: which names does it read and set?
 * Thread: the compiling one. Owner: the template's arena. */
#include "resolve.h"

/* ---- walking ----------------------------------------------------------------------------------------------------- */

void jvisit_list(struct resolver *r, const struct jnodes *list, jvisit_fn *visit)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] != NULL)
            visit(r, list->items[i]);
    }
}

void jvisit_if_any(struct resolver *r, struct jnode *node, jvisit_fn *visit)
{
    if (node != NULL)
        visit(r, node);
}

static void visit_call(struct resolver *r, const struct jnode *node, jvisit_fn *visit)
{
    const struct jarguments *arguments = node->as.call.arguments;

    jvisit_if_any(r, node->as.call.object, visit);
    if (arguments == NULL)
        return;
    jvisit_list(r, &arguments->positional, visit);
    for (uint32_t i = 0; i < arguments->keyword_count; i++)
        visit(r, arguments->keywords[i].value);
    jvisit_if_any(r, arguments->list, visit);
    jvisit_if_any(r, arguments->dict, visit);
}

/* The parts of an expression. */
void jvisit_parts(struct resolver *r, struct jnode *node, jvisit_fn *visit)
{
    switch ((enum jnode_kind)node->kind) {
    case JN_TUPLE:
    case JN_LIST:
    case JN_DICT:
    case JN_CONCAT:
    case JN_OUTPUT:
        jvisit_list(r, &node->as.list, visit);
        break;
    case JN_ATTRIBUTE:
        visit(r, node->as.attribute.object);
        break;
    case JN_ITEM:
        visit(r, node->as.item.object);
        visit(r, node->as.item.key);
        break;
    case JN_SLICE:
        jvisit_if_any(r, node->as.slice.start, visit);
        jvisit_if_any(r, node->as.slice.stop, visit);
        jvisit_if_any(r, node->as.slice.step, visit);
        break;
    case JN_CALL:
    case JN_FILTER:
    case JN_TEST:
        visit_call(r, node, visit);
        break;
    case JN_CONDITION:
        visit(r, node->as.condition.test);
        visit(r, node->as.condition.yes);
        jvisit_if_any(r, node->as.condition.no, visit);
        break;
    case JN_AND:
    case JN_OR:
    case JN_BINARY:
    case JN_NOT:
    case JN_NEGATIVE:
    case JN_POSITIVE:
        visit(r, node->as.operands.left);
        jvisit_if_any(r, node->as.operands.right, visit);
        break;
    case JN_COMPARE:
        visit(r, node->as.compare.first);
        jvisit_list(r, &node->as.compare.operands, visit);
        break;
    case JN_MEMBER:
        visit(r, node->as.member.object);
        break;
    default:
        break;
    }
}

/* ---- first reading: which names does this scope set? ------------------------------------------------------------- */

void jsurvey(struct resolver *r, struct jnode *node)
{
    bool conditional = r->conditional;

    jrun_charge(r->run, 1);
    jrun_enter(r->run);
    switch ((enum jnode_kind)node->kind) {
    case JN_NAME:
        (node->as.name.store ? jscope_store : jscope_load)(r, node->as.name.symbol);
        break;
    case JN_FOR:
        jsurvey(r, node->as.loop.iterable);
        break;
    case JN_IF:
        r->conditional = true;
        for (uint32_t i = 0; i < node->as.branch.count; i++) {
            jsurvey(r, node->as.branch.tests[i]);
            jvisit_list(r, &node->as.branch.bodies[i], jsurvey);
        }
        jvisit_list(r, &node->as.branch.otherwise, jsurvey);
        r->conditional = conditional;
        break;
    case JN_MACRO:
        jsurvey(r, node->as.macro.target);
        break;
    case JN_CALL_BLOCK:
        jsurvey(r, node->as.macro.call);
        break;
    case JN_FILTER_BLOCK:
        jsurvey(r, node->as.block.filter);
        break;
    case JN_SET:
        jsurvey(r, node->as.block.value);
        jsurvey(r, node->as.block.target);
        break;
    case JN_SET_BLOCK:
        jsurvey(r, node->as.block.target);
        break;
    case JN_WITH:
        jvisit_list(r, &node->as.with.values, jsurvey);
        break;
    default:
        jvisit_parts(r, node, jsurvey);
        break;
    }
    jrun_leave(r->run);
}
