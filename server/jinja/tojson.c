/* tojson as transformers defines it: Python's json.dumps with its options, nothing escaped for HTML.
 * Thread: its run's. Owner: the run. */
#include "builtin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    struct jrun *run;
    struct jbuilder out;
    const struct jstring *indent, *item_separator, *key_separator; /* indent NULL: on one line */
    bool ascii, sort_keys;
};

static void write_value(struct writer *w, struct jvalue value, size_t depth);

static void new_line(struct writer *w, size_t depth)
{
    if (w->indent == NULL)
        return;
    jbuilder_add_text(&w->out, "\n");
    for (size_t i = 0; i < depth; i++)
        jbuilder_add_string(&w->out, w->indent);
}

static void write_number(struct writer *w, struct jvalue value)
{
    if (value.kind == J_FLOAT && !isfinite(value.as.real))
        jbuilder_add_text(&w->out, isnan(value.as.real) ? "NaN" : value.as.real > 0 ? "Infinity" : "-Infinity");
    else
        jadd_repr(&w->out, value);
}

/* Keys that are no strings become what their JSON text would be. */
static const struct jstring *key_text(struct writer *w, struct jvalue key)
{
    struct writer plain = {.run = w->run};

    if (key.kind == J_STRING)
        return key.as.string;
    if (key.kind != J_NONE && !jvalue_is_number(key))
        jraise(w->run, "keys must be str, int, float, bool or None, not %s", jtype_name(key));
    jbuilder_init(&plain.out, w->run);
    write_value(&plain, key, 0);
    return jbuilder_string(&plain.out);
}

static void write_list(struct writer *w, const struct jlist *list, size_t depth)
{
    if (list->count == 0) {
        jbuilder_add_text(&w->out, "[]");
        return;
    }
    jbuilder_add_text(&w->out, "[");
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            jbuilder_add_string(&w->out, w->item_separator);
        new_line(w, depth + 1);
        write_value(w, list->items[i], depth + 1);
    }
    new_line(w, depth);
    jbuilder_add_text(&w->out, "]");
}

static bool key_less(struct jrun *run, struct jvalue a, struct jvalue b)
{
    return jcompare(run, a, b, "<") < 0;
}

static void write_dict(struct writer *w, const struct jdict *dict, size_t depth)
{
    size_t *order = w->sort_keys ? jdict_sorted(w->run, dict, key_less) : NULL;

    if (dict->count == 0) {
        jbuilder_add_text(&w->out, "{}");
        return;
    }
    jbuilder_add_text(&w->out, "{");
    for (size_t i = 0; i < dict->count; i++) {
        const struct jentry *entry = &dict->entries[order != NULL ? order[i] : i];
        if (i > 0)
            jbuilder_add_string(&w->out, w->item_separator);
        new_line(w, depth + 1);
        jadd_json_string(&w->out, key_text(w, entry->key), w->ascii);
        jbuilder_add_string(&w->out, w->key_separator);
        write_value(w, entry->value, depth + 1);
    }
    new_line(w, depth);
    jbuilder_add_text(&w->out, "}");
}

static void write_value(struct writer *w, struct jvalue value, size_t depth)
{
    jrun_charge(w->run, 1);
    jrun_enter(w->run);
    switch (value.kind) {
    case J_NONE:
        jbuilder_add_text(&w->out, "null");
        break;
    case J_BOOL:
        jbuilder_add_text(&w->out, value.as.boolean ? "true" : "false");
        break;
    case J_INT:
    case J_FLOAT:
        write_number(w, value);
        break;
    case J_STRING:
        jadd_json_string(&w->out, value.as.string, w->ascii);
        break;
    case J_LIST:
    case J_TUPLE:
    case J_GROUP:
        write_list(w, value.as.list, depth);
        break;
    case J_DICT:
        write_dict(w, value.as.dict, depth);
        break;
    default:
        jraise(w->run, "Object of type %s is not JSON serializable", jtype_name(value));
    }
    jrun_leave(w->run);
}

const struct jstring *jto_json(struct jrun *run, struct jvalue value, struct jvalue indent, struct jvalue separators,
                               bool ascii, bool sort_keys)
{
    struct writer w = {.run = run, .ascii = ascii, .sort_keys = sort_keys};
    struct jbuilder spaces;

    if (value.kind == J_STRING) {
        indent = jnone(); /* not even looked at */
    } else if (indent.kind == J_STRING) {
        w.indent = indent.as.string;
    } else if (indent.kind != J_NONE) {
        int64_t width = jint_of(run, indent, "indent");
        jbuilder_init(&spaces, run);
        jbuilder_add_fill(&spaces, " ", 1, width > 0 ? (size_t)width : 0, true);
        w.indent = jbuilder_string(&spaces);
    }
    if (separators.kind != J_NONE) {
        struct jlist *pair = jlist_from(run, separators);
        if (pair->count != 2)
            jraise(run, "separators must be a pair");
        w.item_separator = jstring_of(run, pair->items[0], "a separator");
        w.key_separator = jstring_of(run, pair->items[1], "a separator");
    } else {
        w.item_separator = jstring_new(run, ", ", w.indent == NULL ? 2 : 1, true);
        w.key_separator = jstring_new(run, ": ", 2, true);
    }
    jbuilder_init(&w.out, run);
    write_value(&w, value, 0);
    return jbuilder_string(&w.out);
}
