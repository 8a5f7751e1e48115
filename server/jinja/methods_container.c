/* Methods of lists, tuples, dictionaries, ranges and loops. The ones that would change their object exist and are
 * forbidden.
 * Thread: its run's. Owner: the run. */
#include "builtin.h"

/* ---- sequences --------------------------------------------------------------------------------------------------- */

static struct jvalue sequence_count(struct jrun *run, const struct jcall *call)
{
    struct jiterator *iterator = jiterate(run, call->self);
    struct jvalue item;
    int64_t count = 0;

    while (jnext(run, iterator, &item))
        count += jequal(run, item, call->args[0]);
    return jint(count);
}

static int64_t bound(struct jrun *run, struct jvalue argument, int64_t otherwise, int64_t length)
{
    int64_t at = jgiven(argument) ? jint_of(run, argument, "index") : otherwise;

    at = at < 0 ? at + length : at;
    return at < 0 ? 0 : at > length ? length : at;
}

static struct jvalue sequence_index(struct jrun *run, const struct jcall *call)
{
    int64_t length = jlength(run, call->self), to = bound(run, call->args[2], length, length);

    for (int64_t i = bound(run, call->args[1], 0, length); i < to; i++) {
        if (jequal(run, jitem(run, call->self, jint(i)), call->args[0]))
            return jint(i);
    }
    jraise(run, "the value is not in the %s", jtype_name(call->self));
}

static struct jvalue list_copy(struct jrun *run, const struct jcall *call)
{
    return jlist_value(jlist_from(run, call->self), J_LIST);
}

const struct jbuiltin jmethods_list[] = {
    {"count", sequence_count, "/value", 1, 0},
    {"index", sequence_index, "/value start stop", 1, 0},
    {"copy", list_copy, "/", 0, 0},
    {"append", NULL, NULL, 0, 0},
    {"clear", NULL, NULL, 0, 0},
    {"extend", NULL, NULL, 0, 0},
    {"insert", NULL, NULL, 0, 0},
    {"pop", NULL, NULL, 0, 0},
    {"remove", NULL, NULL, 0, 0},
    {"reverse", NULL, NULL, 0, 0},
    {"sort", NULL, NULL, 0, 0},
    {0},
};

const struct jbuiltin jmethods_tuple[] = {
    {"count", sequence_count, "/value", 1, 0},
    {"index", sequence_index, "/value start stop", 1, 0},
    {0},
};

const struct jbuiltin jmethods_range[] = {
    {"count", sequence_count, "/value", 1, 0},
    {"index", sequence_index, "/value", 1, 0},
    {0},
};

/* ---- dictionaries ------------------------------------------------------------------------------------------------ */

static struct jvalue dict_get(struct jrun *run, const struct jcall *call)
{
    const struct jvalue *value = jdict_get(run, call->self.as.dict, call->args[0]);

    if (value != NULL)
        return *value;
    return jgiven(call->args[1]) ? call->args[1] : jnone();
}

static struct jvalue dict_view(struct jrun *run, const struct jcall *call)
{
    (void)run;
    return jdict_value(call->self.as.dict, (enum jkind)call->builtin->option);
}

static struct jvalue dict_copy(struct jrun *run, const struct jcall *call)
{
    const struct jdict *from = call->self.as.dict;
    struct jdict *copy = jdict_new(run, from->count);

    for (size_t i = 0; i < from->count; i++)
        jdict_set(run, copy, from->entries[i].key, from->entries[i].value);
    return jdict_value(copy, J_DICT);
}

static struct jvalue dict_fromkeys(struct jrun *run, const struct jcall *call)
{
    struct jiterator *keys = jiterate(run, call->args[0]);
    struct jdict *dict = jdict_new(run, 0);
    struct jvalue key;

    while (jnext(run, keys, &key))
        jdict_set(run, dict, key, jgiven(call->args[1]) ? call->args[1] : jnone());
    return jdict_value(dict, J_DICT);
}

const struct jbuiltin jmethods_dict[] = {
    {"get", dict_get, "/key default", 1, 0},
    {"items", dict_view, "/", 0, J_ITEMS},
    {"keys", dict_view, "/", 0, J_KEYS},
    {"values", dict_view, "/", 0, J_VALUES},
    {"copy", dict_copy, "/", 0, 0},
    {"fromkeys", dict_fromkeys, "/iterable value", 1, 0},
    {"clear", NULL, NULL, 0, 0},
    {"pop", NULL, NULL, 0, 0},
    {"popitem", NULL, NULL, 0, 0},
    {"setdefault", NULL, NULL, 0, 0},
    {"update", NULL, NULL, 0, 0},
    {0},
};

const struct jbuiltin jmethods_dict_type[] = {
    {"fromkeys", dict_fromkeys, "/iterable value", 1, 0},
    {0},
};

/* ---- loops ------------------------------------------------------------------------------------------------------- */

static struct jvalue loop_cycle(struct jrun *run, const struct jcall *call)
{
    if (call->count == 0)
        jraise(run, "no items for cycling given");
    return call->args[(size_t)call->self.as.loop->index0 % call->count];
}

static struct jvalue loop_changed(struct jrun *run, const struct jcall *call)
{
    struct jloop *loop = call->self.as.loop;
    struct jlist *values = jlist_new(run, call->count);

    for (size_t i = 0; i < call->count; i++)
        jlist_append(run, values, call->args[i]);
    if (loop->changed.kind == J_LIST && jequal(run, loop->changed, jlist_value(values, J_LIST)))
        return jbool(false);
    loop->changed = jlist_value(values, J_LIST);
    return jbool(true);
}

const struct jbuiltin jmethods_loop[] = {
    {"cycle", loop_cycle, NULL, 0, 0},
    {"changed", loop_changed, NULL, 0, 0},
    {0},
};
