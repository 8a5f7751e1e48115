/* The interpreter proper. Thread: its run's. Owner: the run. */
#ifndef JINJA_EVAL_H
#define JINJA_EVAL_H

#include "ast.h"
#include "builtin.h"

enum jflow { JFLOW_NEXT, JFLOW_BREAK, JFLOW_CONTINUE };

struct jvalue jeval(struct jrun *run, struct jframe *frame, const struct jnode *node);
/* Evaluates a call, a filter or a test; `forwarded` is a call block's macro, or J_MISSING. */
struct jvalue jeval_call(struct jrun *run, struct jframe *frame, const struct jnode *node, struct jvalue first,
                         struct jvalue forwarded);
enum jflow jexecute(struct jrun *run, struct jframe *frame, const struct jnodes *body);

struct jframe *jframe_new(struct jrun *run, const struct jscope *scope, struct jframe *outer);
struct jframe *jframe_up(struct jframe *frame, uint32_t hops);

/* What `body` prints, as a string. */
const struct jstring *jcapture(struct jrun *run, struct jframe *frame, const struct jnodes *body);
enum jflow jblock_run(struct jrun *run, const struct jnode *node);
void jloop_run(struct jrun *run, struct jframe *frame, const struct jnode *node, struct jvalue iterable,
               int64_t depth0);
struct jvalue jloop_attribute(struct jrun *run, struct jloop *loop, const struct jstring *name); /* J_MISSING: none */

#endif
