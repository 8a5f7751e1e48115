/* Filters on sequences as a whole. Thread: its run's. Owner: the run. */
#include "ast.h"
#include "builtin.h"

static struct jvalue filter_length(struct jrun *run, const struct jcall *call)
{
    return jint(jlength(run, call->args[0]));
}

static struct jvalue filter_list(struct jrun *run, const struct jcall *call)
{
    return jlist_value(jlist_from(run, call->args[0]), J_LIST);
}

static struct jvalue filter_first(struct jrun *run, const struct jcall *call)
{
    struct jiterator *iterator = jiterate(run, call->args[0]);
    struct jvalue item;

    return jnext(run, iterator, &item) ? item : jundefined_hint(run, "no first item, sequence was empty");
}

static bool next_reversed(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    (void)run;
    if (self->at == 0)
        return false;
    *out = self->source.as.list->items[--self->at];
    return true;
}

/* A walk from the end to the beginning, or NULL where Python's reversed() has none. */
static struct jiterator *reversed(struct jrun *run, struct jvalue value)
{
    struct jiterator *iterator;

    if (value.kind == J_ITERATOR || !jvalue_iterable(value))
        return NULL;
    iterator = jiterator_new(run, next_reversed);
    iterator->source = jvalue_is_sequence(value) ? value : jlist_value(jlist_from(run, value), J_LIST);
    iterator->at = iterator->source.as.list->count;
    return iterator;
}

static struct jvalue filter_last(struct jrun *run, const struct jcall *call)
{
    struct jiterator *iterator;
    struct jvalue item = call->args[0];

    if ((item.kind == J_STRING || item.kind == J_RANGE) && jlength(run, item) > 0)
        return jitem(run, item.kind == J_STRING ? jstr(jstring_plain(run, item.as.string)) : item, jint(-1));
    iterator = reversed(run, item);
    if (iterator == NULL)
        jraise(run, "'%s' object is not reversible", jtype_name(call->args[0]));
    return jnext(run, iterator, &item) ? item : jundefined_hint(run, "no last item, sequence was empty");
}

static struct jvalue filter_reverse(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0];
    struct jiterator *iterator;

    if (value.kind == J_STRING)
        return jslice(run, value, jnone(), jnone(), jint(-1));
    iterator = reversed(run, value);
    if (iterator == NULL) { /* a list, where Python has no reversed() */
        struct jlist *list = jlist_from(run, value), *back = jlist_new(run, list->count);
        for (size_t i = list->count; i > 0; i--)
            jlist_append(run, back, list->items[i - 1]);
        return jlist_value(back, J_LIST);
    }
    return jiterator_value(iterator);
}

static bool next_pair(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    if (self->inner == NULL) {
        if (self->source.kind != J_DICT && self->source.kind != J_UNDEFINED)
            jraise(run, "can only get item pairs from a mapping");
        if (self->source.kind == J_DICT)
            self->source.kind = J_ITEMS;
    }
    return jiterator_draw(run, self, out);
}

static struct jvalue filter_items(struct jrun *run, const struct jcall *call)
{
    struct jiterator *iterator = jiterator_new(run, next_pair);

    iterator->source = call->args[0];
    return jiterator_value(iterator);
}

static struct jvalue filter_join(struct jrun *run, const struct jcall *call)
{
    struct jvalue item, separator = jgiven(call->args[1]) ? call->args[1] : jstr(jstring_new(run, "", 0, true));
    struct jiterator *iterator = jiterate(run, call->args[0]);
    struct jbuilder out;
    bool first = true;

    jbuilder_init(&out, run);
    for (; jnext(run, iterator, &item); first = false) {
        if (!first)
            jadd_str(&out, separator);
        if (jgiven(call->args[2]) && call->args[2].kind != J_NONE)
            item = jget_path(run, item, call->args[2], jmissing());
        jadd_str(&out, item);
    }
    return jstr(jbuilder_string(&out));
}

static struct jvalue filter_sum(struct jrun *run, const struct jcall *call)
{
    struct jvalue item, sum = jgiven(call->args[2]) ? call->args[2] : jint(0);
    struct jiterator *iterator = jiterate(run, call->args[0]);

    if (sum.kind == J_STRING)
        jraise(run, "sum() can't sum strings");
    while (jnext(run, iterator, &item)) {
        if (jgiven(call->args[1]) && call->args[1].kind != J_NONE)
            item = jget_path(run, item, call->args[1], jmissing());
        sum = jbinary(run, JOP_ADD, sum, item);
    }
    return sum;
}

/* batch: rows of `size` items, the last one filled up with state[0]. */
static bool next_batch(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct jvalue *fill = self->state;
    struct jlist *row = jlist_new(run, 0);
    struct jvalue item;

    if (self->size == 0) { /* never full: one row takes all, after an empty one where the size is exactly 0 */
        self->source = jlist_value(jlist_from(run, self->source), J_LIST);
        *out = self->at == 0 ? jlist_value(row, J_LIST) : self->source;
        return self->source.as.list->count > 0 && self->at++ < 2;
    }
    while (row->count < self->size && jiterator_draw(run, self, &item))
        jlist_append(run, row, item);
    if (row->count == 0)
        return false;
    while (fill != NULL && row->count < self->size)
        jlist_append(run, row, *fill);
    *out = jlist_value(row, J_LIST);
    return true;
}

static const struct jvalue *fill_value(struct jrun *run, struct jvalue fill)
{
    struct jvalue *copy;

    if (!jgiven(fill) || fill.kind == J_NONE)
        return NULL;
    copy = jalloc(run, sizeof *copy);
    *copy = fill;
    return copy;
}

static struct jvalue filter_batch(struct jrun *run, const struct jcall *call)
{
    struct jiterator *iterator = jiterator_new(run, next_batch);
    int64_t size = jint_of(run, call->args[1], "linecount");

    iterator->source = call->args[0];
    iterator->size = size > 0 ? (size_t)size : 0;
    iterator->at = size < 0;
    iterator->state = (void *)fill_value(run, call->args[2]);
    return jiterator_value(iterator);
}

/* slice: `size` columns whose lengths differ by one at most; the shorter ones filled up with state[0]. */
static bool next_column(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct jvalue *fill = self->state;
    const struct jlist *items;
    size_t each, longer, from, count;
    struct jlist *column;

    if (self->size == 0)
        jraise(run, "integer division or modulo by zero");
    if (self->at >= self->size)
        return false;
    if (self->at == 0)
        self->source = jlist_value(jlist_from(run, self->source), J_LIST);
    items = self->source.as.list;
    each = items->count / self->size;
    longer = items->count % self->size;
    from = self->at * each + (self->at < longer ? self->at : longer);
    count = each + (self->at < longer);
    column = jlist_new(run, count + 1);
    for (size_t i = 0; i < count; i++)
        jlist_append(run, column, items->items[from + i]);
    if (fill != NULL && self->at >= longer)
        jlist_append(run, column, *fill);
    self->at++;
    *out = jlist_value(column, J_LIST);
    return true;
}

static struct jvalue filter_slice(struct jrun *run, const struct jcall *call)
{
    struct jiterator *iterator = jiterator_new(run, next_column);
    int64_t columns = jint_of(run, call->args[1], "slices");

    if (columns < 0)
        return jiterator_value(jiterate(run, jlist_value(jlist_new(run, 0), J_LIST)));
    iterator->source = call->args[0];
    iterator->size = (size_t)columns;
    iterator->state = (void *)fill_value(run, call->args[2]);
    return jiterator_value(iterator);
}

const struct jbuiltin jfilters_sequence[] = {
    {"length", filter_length, "/obj", 1, 0},
    {"count", filter_length, "/obj", 1, 0},
    {"list", filter_list, "value", 1, 0},
    {"first", filter_first, "seq", 1, 0},
    {"last", filter_last, "seq", 1, 0},
    {"reverse", filter_reverse, "value", 1, 0},
    {"items", filter_items, "value", 1, 0},
    {"join", filter_join, "value d attribute", 1, 0},
    {"sum", filter_sum, "iterable attribute start", 1, 0},
    {"batch", filter_batch, "value linecount fill_with", 2, 0},
    {"slice", filter_slice, "value slices fill_with", 2, 0},
    {0},
};
