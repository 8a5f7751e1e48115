/* How names become slots; resolve.c tells the rules. Thread: the compiling one. Owner: the template's arena. */
#ifndef JINJA_RESOLVE_H
#define JINJA_RESOLVE_H

#include "ast.h"

struct resolver {
    struct jrun *run;
    struct jinja_template *template;
    struct jscope *scope;
    uint32_t loop_depth; /* for loops around: `loop` must not be set there */
    bool in_block;       /* which sees of the scopes around it only the top level, as it is then */
    bool conditional;    /* under an if of this scope */
    bool soft;           /* the same, or in a conditional expression: unknown filters fail only when reached */
};

/* ---- scope.c ----------------------------------------------------------------------------------------------------- */

struct jscope *jscope_open(struct resolver *r);
void jscope_close(struct resolver *r, struct jscope *outer);
/* Where a name is bound: the scope and the number of its slot. */
struct jbinding {
    struct jsymbol *symbol;
    struct jscope *scope;
    uint32_t number;
    struct jbinding *shadowed; /* of the same symbol, further out */
    struct jbinding *next;     /* of the same scope */
};

uint32_t jscope_free_number(struct resolver *r, struct jsymbol *symbol);
/* A new slot of the current scope; `symbol` is NULL for one without a name. */
void jscope_declare(struct resolver *r, struct jsymbol *symbol, enum jslot_start start);
void jscope_load(struct resolver *r, struct jsymbol *symbol);  /* the current scope reads the name */
void jscope_store(struct resolver *r, struct jsymbol *symbol); /* the current scope sets it */

/* ---- survey.c ---------------------------------------------------------------------------------------------------- */

typedef void jvisit_fn(struct resolver *r, struct jnode *node);
void jvisit_list(struct resolver *r, const struct jnodes *list, jvisit_fn *visit);
void jvisit_if_any(struct resolver *r, struct jnode *node, jvisit_fn *visit);
void jvisit_parts(struct resolver *r, struct jnode *node, jvisit_fn *visit); /* of an expression */
/* The first reading: notes what names the current scope reads and sets, without going into the scopes within. */
void jsurvey(struct resolver *r, struct jnode *node);

#endif
