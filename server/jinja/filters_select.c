/* Filters that apply an attribute, a filter or a test to each item: generators, as in the reference, which work when
 * they are drawn from. Thread: its run's. Owner: the run. */
#include "builtin.h"

#include <string.h>

/* ---- paths of attributes ----------------------------------------------------------------------------------------- */

static bool is_index(const struct jstring *part)
{
    for (size_t i = 0; i < part->count; i++) {
        if (part->bytes[i] < '0' || part->bytes[i] > '9')
            return false;
    }
    return part->count > 0;
}

/* "address.city", "items.0.name", or a number. */
struct jvalue jget_path(struct jrun *run, struct jvalue item, struct jvalue path, struct jvalue otherwise)
{
    size_t from = 0, to;
    int64_t index;

    if (path.kind != J_STRING) {
        if (path.kind != J_NONE)
            item = jitem(run, item, path);
        return item.kind == J_UNDEFINED && jgiven(otherwise) ? otherwise : item;
    }
    do {
        const struct jstring *part;
        for (to = from; to < path.as.string->count && path.as.string->bytes[to] != '.'; to++)
            continue;
        part = jstring_part(run, path.as.string, from, to);
        if (is_index(part) && jparse_int(run, part, 10, &index))
            item = jitem(run, item, jint(index));
        else
            item = jitem(run, item, jstr(part));
        if (item.kind == J_UNDEFINED && jgiven(otherwise))
            item = otherwise;
        from = to + 1;
    } while (to < path.as.string->count);
    return item;
}

/* ---- map --------------------------------------------------------------------------------------------------------- */

/* What is done to each item: `path` (J_MISSING: nothing), then the filter or test `name` (J_MISSING: none) with its
 * arguments. */
struct step {
    struct jvalue path, otherwise, name;
    const struct jvalue *args;
    size_t count;
    struct jdict *keywords;
    bool wanted; /* select: keep where the test gives this */
};

/* An empty source is not even looked at, whatever it is. */
static bool draw(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    return (self->inner != NULL || jtruthy(run, self->source)) && jiterator_draw(run, self, out);
}

static bool next_mapped(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct step *step = self->state;

    if (!draw(run, self, out))
        return false;
    if (step->path.kind == J_MISSING && step->name.kind == J_MISSING)
        jraise(run, "map requires a filter argument");
    if (step->path.kind != J_MISSING)
        *out = jget_path(run, *out, step->path, step->otherwise);
    else
        *out = jcall_named(run, true, step->name, *out, step->args, step->count, step->keywords);
    return true;
}

static bool next_selected(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct step *step = self->state;

    while (draw(run, self, out)) {
        struct jvalue value = *out;
        if (step->path.kind != J_MISSING)
            value = jget_path(run, value, step->path, jmissing());
        if (step->name.kind != J_MISSING)
            value = jcall_named(run, false, step->name, value, step->args, step->count, step->keywords);
        if (jtruthy(run, value) == step->wanted)
            return true;
    }
    return false;
}

/* The arguments stand on the caller's stack; the generator outlives it. */
static const struct jvalue *keep(struct jrun *run, const struct jvalue *args, size_t count)
{
    struct jvalue *copy = jalloc_array(run, count, sizeof *copy);

    if (count > 0)
        memcpy(copy, args, count * sizeof *copy);
    return copy;
}

static struct jvalue generator(struct jrun *run, struct jvalue source, struct step content,
                               bool (*next)(struct jrun *, struct jiterator *, struct jvalue *))
{
    struct step *step = jalloc(run, sizeof *step);
    struct jiterator *iterator = jiterator_new(run, next);

    *step = content;
    iterator->state = step;
    iterator->source = source;
    return jiterator_value(iterator);
}

static struct jvalue filter_map(struct jrun *run, const struct jcall *call)
{
    struct step step = {.path = jmissing(), .otherwise = jmissing(), .name = jmissing(), .keywords = call->keywords};

    if (call->count == 1 && call->keywords != NULL) {
        for (size_t i = 0; i < call->keywords->count; i++) {
            const struct jentry *entry = &call->keywords->entries[i];
            if (jstring_is(entry->key.as.string, "attribute"))
                step.path = entry->value;
            else if (jstring_is(entry->key.as.string, "default") && entry->value.kind != J_NONE)
                step.otherwise = entry->value;
            else if (!jstring_is(entry->key.as.string, "default"))
                jraise(run, "unexpected keyword argument in map");
        }
    } else if (call->count > 1) {
        step.name = call->args[1];
        step.args = keep(run, call->args + 2, call->count - 2);
        step.count = call->count - 2;
    }
    return generator(run, call->args[0], step, next_mapped);
}

/* ---- select, reject, selectattr, rejectattr ---------------------------------------------------------------------- */

#define OPTION_REJECT 1
#define OPTION_ATTRIBUTE 2

static struct jvalue filter_select(struct jrun *run, const struct jcall *call)
{
    struct step step = {.path = jmissing(),
                        .name = jmissing(),
                        .keywords = call->keywords,
                        .wanted = !(call->builtin->option & OPTION_REJECT)};
    size_t used = 1;

    if (call->builtin->option & OPTION_ATTRIBUTE) {
        if (call->count < 2 && jtruthy(run, call->args[0]))
            jraise(run, "missing parameter for attribute name");
        if (call->count >= 2)
            step.path = call->args[used++];
    }
    if (used < call->count)
        step.name = call->args[used++];
    if (used < call->count) {
        step.args = keep(run, call->args + used, call->count - used);
        step.count = call->count - used;
    }
    return generator(run, call->args[0], step, next_selected);
}

static struct jvalue filter_attr(struct jrun *run, const struct jcall *call)
{
    const struct jstring *name = jstring_of(run, call->args[1], "the name of an attribute");
    struct jvalue object = call->args[0];

    /* Attributes only, no items. */
    if (object.kind == J_DICT && jmethod_find(object, name) == NULL)
        return jundefined_member(run, object, jstr(name));
    return jattribute(run, object, name);
}

const struct jbuiltin jfilters_select[] = {
    {"map", filter_map, NULL, 1, 0},
    {"select", filter_select, NULL, 1, 0},
    {"reject", filter_select, NULL, 1, OPTION_REJECT},
    {"selectattr", filter_select, NULL, 1, OPTION_ATTRIBUTE},
    {"rejectattr", filter_select, NULL, 1, OPTION_ATTRIBUTE | OPTION_REJECT},
    {"attr", filter_attr, "obj name", 2, 0},
    {0},
};
