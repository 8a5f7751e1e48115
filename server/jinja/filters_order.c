/* Filters that sort, group and compare items. Thread: its run's. Owner: the run. */
#include "builtin.h"

#include <string.h>

struct keyed {
    struct jvalue key, item;
};

/* A stable merge sort, as Python's is stable. */
static void sort(struct jrun *run, struct keyed *items, size_t count, bool reverse)
{
    struct keyed *spare = jalloc_array(run, count, sizeof *spare), *from = items, *to = spare;

    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            for (size_t a = low, b = middle, k = low; k < high; k++) {
                bool second = a == middle;
                if (a < middle && b < high)
                    second = reverse ? jcompare(run, from[a].key, from[b].key, "<") == -1
                                     : jcompare(run, from[b].key, from[a].key, "<") == -1;
                to[k] = second ? from[b++] : from[a++];
            }
        }
        from = to;
        to = from == spare ? items : spare;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

static struct jvalue fold_case(struct jrun *run, struct jvalue value, bool case_sensitive)
{
    if (value.kind == J_STRING && !case_sensitive)
        return jstr(jconvert_case(run, value.as.string, JTEXT_LOWER));
    return value;
}

/* "age,name": a list with one key for each. */
static struct jvalue sort_key(struct jrun *run, struct jvalue item, struct jvalue attribute, bool case_sensitive)
{
    struct jlist *keys = jlist_new(run, 1);
    size_t from = 0, comma;

    if (attribute.kind != J_STRING) {
        jlist_append(run, keys, fold_case(run, jget_path(run, item, attribute, jmissing()), case_sensitive));
        return jlist_value(keys, J_LIST);
    }
    do {
        const struct jstring *part;
        for (comma = from; comma < attribute.as.string->count && attribute.as.string->bytes[comma] != ','; comma++)
            continue;
        part = jstring_part(run, attribute.as.string, from, comma);
        jlist_append(run, keys, fold_case(run, jget_path(run, item, jstr(part), jmissing()), case_sensitive));
        from = comma + 1;
    } while (comma < attribute.as.string->count);
    return jlist_value(keys, J_LIST);
}

static struct jvalue none_if_missing(struct jvalue value)
{
    return jgiven(value) ? value : jnone();
}

/* An integer, as list.sort() wants it, not any truth. */
static bool is_reverse(struct jrun *run, struct jvalue argument)
{
    return jgiven(argument) && jint_of(run, argument, "reverse") != 0;
}

static struct jvalue filter_sort(struct jrun *run, const struct jcall *call)
{
    struct jlist *list = jlist_from(run, call->args[0]);
    bool case_sensitive = jflag(run, call->args[2], false);
    struct keyed *items = jalloc_array(run, list->count, sizeof *items);

    for (size_t i = 0; i < list->count; i++)
        items[i] = (struct keyed){sort_key(run, list->items[i], none_if_missing(call->args[3]), case_sensitive),
                                  list->items[i]};
    sort(run, items, list->count, is_reverse(run, call->args[1]));
    for (size_t i = 0; i < list->count; i++)
        list->items[i] = items[i].item;
    return jlist_value(list, J_LIST);
}

static struct jvalue filter_dictsort(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0];
    bool case_sensitive = jflag(run, call->args[1], false), by_value = false;
    struct keyed *items;
    struct jlist *list;

    if (jgiven(call->args[2])) {
        const struct jstring *by = jstring_of(run, call->args[2], "by");
        by_value = jstring_is(by, "value");
        if (!by_value && !jstring_is(by, "key"))
            jraise(run, "you can only sort by either \"key\" or \"value\"");
    }
    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (value.kind != J_DICT)
        jraise(run, "'%s' object has no attribute 'items'", jtype_name(value));
    list = jlist_from(run, jdict_value(value.as.dict, J_ITEMS));
    items = jalloc_array(run, list->count, sizeof *items);
    for (size_t i = 0; i < list->count; i++)
        items[i] = (struct keyed){fold_case(run, list->items[i].as.list->items[by_value], case_sensitive),
                                  list->items[i]};
    sort(run, items, list->count, is_reverse(run, call->args[3]));
    for (size_t i = 0; i < list->count; i++)
        list->items[i] = items[i].item;
    return jlist_value(list, J_LIST);
}

struct unique {
    struct jdict *seen;
    struct jvalue attribute;
    bool case_sensitive;
};

static bool next_unique(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    struct unique *unique = self->state;

    while (jiterator_draw(run, self, out)) {
        struct jvalue key = fold_case(run, jget_path(run, *out, unique->attribute, jmissing()), unique->case_sensitive);
        if (jdict_get(run, unique->seen, key) == NULL) {
            jdict_set(run, unique->seen, key, jnone());
            return true;
        }
    }
    return false;
}

static struct jvalue filter_unique(struct jrun *run, const struct jcall *call)
{
    struct jiterator *iterator = jiterator_new(run, next_unique);
    struct unique *unique = jalloc(run, sizeof *unique);

    *unique = (struct unique){.seen = jdict_new(run, 0),
                              .attribute = none_if_missing(call->args[2]),
                              .case_sensitive = jflag(run, call->args[1], false)};
    iterator->source = call->args[0];
    iterator->state = unique;
    return jiterator_value(iterator);
}

/* min: option -1, max: option 1. The first of equal ones, as Python's. */
static struct jvalue filter_extreme(struct jrun *run, const struct jcall *call)
{
    struct jiterator *iterator = jiterate(run, call->args[0]);
    struct jvalue item, best = jmissing(), best_key = jmissing();
    bool case_sensitive = jflag(run, call->args[1], false);

    while (jnext(run, iterator, &item)) {
        struct jvalue key = fold_case(run, jget_path(run, item, none_if_missing(call->args[2]), jmissing()),
                                      case_sensitive);
        if (best.kind == J_MISSING ||
            jcompare(run, key, best_key, call->builtin->option < 0 ? "<" : ">") == call->builtin->option) {
            best = item;
            best_key = key;
        }
    }
    return best.kind != J_MISSING ? best : jundefined_hint(run, "no aggregated item, sequence was empty");
}

static struct jvalue filter_groupby(struct jrun *run, const struct jcall *call)
{
    struct jlist *list = jlist_from(run, call->args[0]), *groups = jlist_new(run, 0), *members = NULL;
    struct jvalue otherwise = jgiven(call->args[2]) && call->args[2].kind != J_NONE ? call->args[2] : jmissing();
    bool case_sensitive = jflag(run, call->args[3], false);
    struct keyed *items = jalloc_array(run, list->count, sizeof *items);

    for (size_t i = 0; i < list->count; i++)
        items[i] = (struct keyed){
            fold_case(run, jget_path(run, list->items[i], call->args[1], otherwise), case_sensitive), list->items[i]};
    sort(run, items, list->count, false);
    for (size_t i = 0; i < list->count; i++) {
        if (i == 0 || !jequal(run, items[i].key, items[i - 1].key)) {
            struct jlist *group = jlist_new(run, 2);
            members = jlist_new(run, 0);
            jlist_append(run, group, jget_path(run, items[i].item, call->args[1], otherwise));
            jlist_append(run, group, jlist_value(members, J_LIST));
            jlist_append(run, groups, jlist_value(group, J_GROUP));
        }
        jlist_append(run, members, items[i].item);
    }
    return jlist_value(groups, J_LIST);
}

const struct jbuiltin jfilters_order[] = {
    {"sort", filter_sort, "value reverse case_sensitive attribute", 1, 0},
    {"dictsort", filter_dictsort, "value case_sensitive by reverse", 1, 0},
    {"unique", filter_unique, "value case_sensitive attribute", 1, 0},
    {"min", filter_extreme, "value case_sensitive attribute", 1, -1},
    {"max", filter_extreme, "value case_sensitive attribute", 1, 1},
    {"groupby", filter_groupby, "value attribute default case_sensitive", 2, 0},
    {0},
};
