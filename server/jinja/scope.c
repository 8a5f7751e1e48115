/* Scopes while names are resolved: their slots, and which name is bound to which.
 * Thread: the compiling one. Owner: the template's arena. */
#include "resolve.h"

struct jscope *jscope_open(struct resolver *r)
{
    struct jscope *scope = jalloc(r->run, sizeof *scope);

    *scope = (struct jscope){.depth = r->scope == NULL ? 0 : r->scope->depth + 1};
    r->scope = scope;
    return scope;
}

void jscope_close(struct resolver *r, struct jscope *outer)
{
    for (struct jbinding *binding = r->scope->bindings; binding != NULL; binding = binding->next)
        binding->symbol->binding = binding->shadowed;
    r->scope->bindings = NULL;
    r->scope = outer;
}

uint32_t jscope_free_number(struct resolver *r, struct jsymbol *symbol)
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
void jscope_declare(struct resolver *r, struct jsymbol *symbol, enum jslot_start start)
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
    } else if (start == JSLOT_FREE || start == JSLOT_CONTEXT) {
        slot->number = jscope_free_number(r, symbol);
    }
    if (start == JSLOT_CONTEXT)
        slot->top_number = symbol->binding->number;
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

/* Whether a block sees the name as the top level of the template has set it. */
static bool is_context(const struct resolver *r, const struct jsymbol *symbol)
{
    return r->in_block && symbol->binding->scope == r->template->scope;
}

void jscope_load(struct resolver *r, struct jsymbol *symbol)
{
    if (symbol->binding == NULL)
        jscope_declare(r, symbol, JSLOT_FREE);
    else if (is_context(r, symbol))
        jscope_declare(r, symbol, JSLOT_CONTEXT);
}

void jscope_store(struct resolver *r, struct jsymbol *symbol)
{
    if (symbol->binding != NULL && symbol->binding->scope == r->scope)
        return;
    if (symbol->binding != NULL)
        jscope_declare(r, symbol, is_context(r, symbol) ? JSLOT_CONTEXT : JSLOT_OUTER);
    else
        jscope_declare(r, symbol, r->conditional ? JSLOT_FREE : JSLOT_EMPTY);
}
