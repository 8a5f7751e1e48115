/* Chat templates: the Jinja language as transformers runs it (jinja2's immutable sandbox, trim_blocks,
 * lstrip_blocks, loop controls, `generation` blocks, its own tojson, raise_exception, strftime_now).
 *
 * Nobody forges a turn: every byte of the output is known to come from the template (or from a variable that the
 * caller trusts) or from the request's strings, through all filters, methods and slices. The runs go to
 * tokenizer_encode as they are.
 *
 * Steps, output, depth and memory are bounded, while compiling and while rendering. Every error names line and
 * column.
 * Thread: a compiled template is immutable, any number of threads may render it at once; a render runs on its
 * caller's thread. Owner: whoever compiled it. */
#ifndef QUIRE_JINJA_H
#define QUIRE_JINJA_H

#include "status.h"
#include "tokenizer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jinja_template;

/* Compiles `source` (UTF-8, need not be terminated; not kept). QUIRE_BAD_FILE for a syntax error, an unknown filter
 * or test or invalid UTF-8, QUIRE_LIMIT for a template that is too large or too deeply nested. Include, import and
 * extends are errors where they are executed, as in the reference: there is no other template. */
QUIRE_NODISCARD enum quire_status jinja_compile(const char *source, size_t source_bytes, struct jinja_template **out,
                                                struct quire_error *error);
void jinja_template_destroy(struct jinja_template *template); /* NULL is allowed */

/* Whether the template itself walks over a message's content (`for part in message.content`), so that it wants OpenAI's
 * content-part lists as they are. Where false, lists of parts should be flattened to a string before rendering. */
bool jinja_template_wants_parts(const struct jinja_template *template);

/* Whether `name` occurs in the template as a variable, attribute or string subscript (such as "tools" or
 * "enable_thinking"). */
bool jinja_template_mentions(const struct jinja_template *template, const char *name);

struct jinja_limits {
    uint64_t steps_max;      /* evaluated nodes, and characters or items that filters and methods walk over */
    size_t output_bytes_max; /* of the rendered text */
    size_t memory_bytes_max; /* of all values of one render together, garbage included */
    uint32_t depth_max;      /* nested macro calls, recursive loops, nested containers that are printed or compared */
};

/* For a server: ends a hostile template within 100 ms and 16 MB; leaves room for any honest one. */
extern const struct jinja_limits jinja_limits_default;

/* Everything else a render may be told. Zero-initialise; a zero field means its default. */
struct jinja_options {
    const struct jinja_limits *limits; /* NULL: jinja_limits_default, raised with the size of the variables */
    /* Top-level variables whose strings count as the template's own text, such as "bos_token" and "eos_token". */
    const char *const *trusted_names;
    size_t trusted_count;
    bool trust_all;   /* --special-tokens-in-content: all text counts as the template's own */
    int64_t now_ns;   /* time since 1970 for strftime_now, shown in local time; 0: ask the clock */
};

/* The rendered text. Zero-initialise; release with jinja_output_deinit. */
struct jinja_output {
    char *text; /* terminated by a NUL that text_bytes does not count */
    size_t text_bytes;
    struct text_run *runs; /* cover `text` without gaps; point into it; neighbours differ in `trusted`; none is empty */
    size_t run_count;
};
void jinja_output_deinit(struct jinja_output *output);
/* Cuts the text to its first `text_bytes` bytes (for continue_final_message). */
void jinja_output_truncate(struct jinja_output *output, size_t text_bytes);

/* Renders with the members of `variables` (a JSON object, only read) as the template's variables. transformers always
 * passes messages, tools, documents and add_generation_prompt, the middle two as null where the request has none: so
 * should the caller, as `tools is defined` shows it. Strings of the request are not trusted, but for roles that OpenAI
 * knows, which a template may build special tokens of. `options` may be
 * NULL. QUIRE_INVALID where the reference raises (raise_exception included, with its message), QUIRE_LIMIT at a
 * bound, QUIRE_UNSUPPORTED for integers beyond 64 bits, QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status jinja_render(const struct jinja_template *template, const json_t *variables,
                                               const struct jinja_options *options, struct jinja_output *out,
                                               struct quire_error *error);

#endif
