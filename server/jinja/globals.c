/* The functions that templates find as global names. Thread: its run's. Owner: the run. */
#include "builtin.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RANGE_ITEMS_MAX 100000 /* the sandbox's */

static struct jvalue global_raise(struct jrun *run, const struct jcall *call)
{
    const struct jstring *message = jto_string(run, call->args[0]);

    jraise(run, "%.*s", message->count < 400 ? (int)message->count : 400, message->bytes);
}

static struct jvalue global_range(struct jrun *run, const struct jcall *call)
{
    struct jrange *range = jalloc(run, sizeof *range);
    uint64_t distance, step;

    *range = (struct jrange){.step = 1};
    range->stop = jint_of(run, call->args[0], "range");
    if (jgiven(call->args[1])) {
        range->start = range->stop;
        range->stop = jint_of(run, call->args[1], "range");
    }
    if (jgiven(call->args[2]))
        range->step = jint_of(run, call->args[2], "range");
    if (range->step == 0)
        jraise(run, "range() arg 3 must not be zero");
    if (range->step > 0 ? range->stop > range->start : range->stop < range->start) {
        distance = range->step > 0 ? (uint64_t)range->stop - (uint64_t)range->start
                                   : (uint64_t)range->start - (uint64_t)range->stop;
        step = range->step > 0 ? (uint64_t)range->step : -(uint64_t)range->step;
        if ((distance - 1) / step + 1 > RANGE_ITEMS_MAX)
            jraise(run, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", RANGE_ITEMS_MAX);
        range->count = (int64_t)((distance - 1) / step + 1);
    }
    return (struct jvalue){.kind = J_RANGE, .as.range = range};
}

/* dict(pairs or mapping, name=value, ...): option 1 is namespace(), which takes the same. */
static struct jvalue global_dict(struct jrun *run, const struct jcall *call)
{
    struct jdict *dict = jdict_new(run, 0);
    struct jvalue item;

    if (call->count > 1)
        jraise(run, "dict expected at most 1 argument, got %zu", call->count);
    if (call->count == 1 && call->args[0].kind == J_UNDEFINED)
        jundefined_raise(run, call->args[0]);
    if (call->count == 1 && (call->args[0].kind == J_DICT || call->args[0].kind == J_NAMESPACE)) {
        const struct jdict *from = call->args[0].as.dict;
        for (size_t i = 0; i < from->count; i++)
            jdict_set(run, dict, from->entries[i].key, from->entries[i].value);
    } else if (call->count == 1) {
        struct jiterator *pairs = jiterate(run, call->args[0]);
        while (jnext(run, pairs, &item)) {
            struct jlist *pair = jlist_from(run, item);
            if (pair->count != 2)
                jraise(run, "dictionary update sequence element has length %zu; 2 is required", pair->count);
            jdict_set(run, dict, pair->items[0], pair->items[1]);
        }
    }
    for (size_t i = 0; call->keywords != NULL && i < call->keywords->count; i++)
        jdict_set(run, dict, call->keywords->entries[i].key, call->keywords->entries[i].value);
    for (size_t i = 0; call->builtin->option && i < dict->count; i++) {
        struct jvalue key = dict->entries[i].key;
        if (key.kind == J_STRING && key.as.string->count > 0 && key.as.string->bytes[0] == '_')
            jraise(run, "chat templates cannot store underscore-prefixed attributes on a namespace");
    }
    return jdict_value(dict, call->builtin->option ? J_NAMESPACE : J_DICT);
}

static struct jvalue global_cycler(struct jrun *run, const struct jcall *call)
{
    struct jcycler *cycler = jalloc(run, sizeof *cycler);

    if (call->count == 0 || call->keywords != NULL)
        jraise(run, "at least one item has to be provided");
    *cycler = (struct jcycler){.items = jlist_new(run, call->count)};
    for (size_t i = 0; i < call->count; i++)
        jlist_append(run, cycler->items, call->args[i]);
    return (struct jvalue){.kind = J_CYCLER, .as.cycler = cycler};
}

static struct jvalue cycler_next(struct jrun *run, const struct jcall *call)
{
    struct jcycler *cycler = call->self.as.cycler;
    struct jvalue item = cycler->items->items[cycler->at];

    (void)run;
    cycler->at = (cycler->at + 1) % cycler->items->count;
    return item;
}

static struct jvalue cycler_reset(struct jrun *run, const struct jcall *call)
{
    (void)run;
    call->self.as.cycler->at = 0;
    return jnone();
}

static struct jvalue global_joiner(struct jrun *run, const struct jcall *call)
{
    struct jjoiner *joiner = jalloc(run, sizeof *joiner);
    struct jvalue comma = jstr(jstring_new(run, ", ", 2, true));

    *joiner = (struct jjoiner){.separator = jgiven(call->args[0]) ? call->args[0] : comma};
    return (struct jvalue){.kind = J_JOINER, .as.joiner = joiner};
}

static struct jvalue global_lipsum(struct jrun *run, const struct jcall *call)
{
    (void)call;
    jfail(run, QUIRE_UNSUPPORTED, "lipsum() is not for chat templates: it gives another text each time");
}

/* datetime.now().strftime(format): a local time without zone, so %z and %Z are empty; %f is Python's own. */
static struct jvalue global_strftime_now(struct jrun *run, const struct jcall *call)
{
    const struct jstring *format = jstring_of(run, call->args[0], "the format of strftime_now");
    bool trusted = jstring_all_trusted(format);
    struct timespec now = {.tv_sec = run->now_ns / 1000000000, .tv_nsec = run->now_ns % 1000000000};
    struct jbuilder out;
    struct tm local;

    if (run->now_ns == 0)
        clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    jbuilder_init(&out, run);
    for (size_t at = 0; at < format->count; at++) {
        char piece[8] = {'%', 0}, text[256];
        jrun_charge(run, 16);
        size_t length = 1;
        if (format->bytes[at] != '%' || at + 1 == format->count) {
            jbuilder_add(&out, format->bytes + at, 1, trusted);
            continue;
        }
        while (length < 3 && at + 1 < format->count && strchr("-_0^#EO", format->bytes[at + 1]) != NULL &&
               format->bytes[at + 1] != 0)
            piece[length++] = format->bytes[++at];
        if (at + 1 < format->count)
            piece[length++] = format->bytes[++at];
        piece[length] = 0;
        if (strcmp(piece, "%f") == 0)
            jbuilder_add(&out, text, (size_t)snprintf(text, sizeof text, "%06ld", now.tv_nsec / 1000), trusted);
        else if (strcmp(piece, "%z") != 0 && strcmp(piece, "%Z") != 0)
            jbuilder_add(&out, text, strftime(text, sizeof text, piece, &local), trusted);
    }
    return jstr(jbuilder_string(&out));
}

const struct jbuiltin jglobals[] = {
    {"dict", global_dict, NULL, 0, 0},
    {"raise_exception", global_raise, "message", 1, 0},
    {"namespace", global_dict, NULL, 0, 1},
    {"range", global_range, "/start stop step", 1, 0},
    {"strftime_now", global_strftime_now, "format", 1, 0},
    {"cycler", global_cycler, NULL, 0, 0},
    {"joiner", global_joiner, "sep", 0, 0},
    {"lipsum", global_lipsum, NULL, 0, 0},
    {0},
};

const struct jbuiltin *const jglobal_dict = &jglobals[0];

const struct jbuiltin jmethods_cycler[] = {
    {"next", cycler_next, "/", 0, 0},
    {"reset", cycler_reset, "/", 0, 0},
    {0},
};
