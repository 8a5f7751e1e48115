/* Lists, dictionaries in order of insertion, and the walk over anything iterable.
 * Thread: its run's. Owner: the run's arena. */
#include "value.h"

#include <math.h>
#include <string.h>

#define DICT_INDEX_MIN 9u /* entries from which on a dictionary has an index */

/* ---- lists ------------------------------------------------------------------------------------------------------- */

struct jlist *jlist_new(struct jrun *run, size_t room)
{
    struct jlist *list = jalloc(run, sizeof *list);

    *list = (struct jlist){.count_max = room};
    if (room > 0)
        list->items = jalloc_array(run, room, sizeof *list->items);
    return list;
}

void jlist_append(struct jrun *run, struct jlist *list, struct jvalue item)
{
    jrun_charge(run, 1);
    if (list->count == list->count_max) {
        size_t room = list->count_max < 4 ? 4 : list->count_max * 2;
        list->items = jalloc_grow(run, list->items, list->count_max * sizeof item, room * sizeof item);
        list->count_max = room;
    }
    list->items[list->count++] = item;
}

/* ---- dictionaries ------------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

bool jvalue_hashable(struct jrun *run, struct jvalue value)
{
    bool hashable = true;

    if (jvalue_is_tuple(value)) {
        jrun_enter(run);
        jrun_charge(run, 1);
        for (size_t i = 0; i < value.as.list->count && hashable; i++)
            hashable = jvalue_hashable(run, value.as.list->items[i]);
        jrun_leave(run);
        return hashable;
    }
    return value.kind != J_LIST && value.kind != J_DICT && value.kind != J_KEYS && value.kind != J_ITEMS;
}

/* Values that compare equal have one hash, so 1, 1.0 and true do. No seed: whether a render stays within its steps must
 * not depend on chance. Keys that were made to collide cost their own request steps, until there are none left. */
static uint64_t value_hash(struct jrun *run, struct jvalue value)
{
    uint64_t hash = 0;

    switch (value.kind) {
    case J_STRING: {
        const struct jstring *string = value.as.string;
        size_t i = 0;
        for (; string->count - i >= 8; i += 8) {
            uint64_t word;
            memcpy(&word, string->bytes + i, 8);
            hash = mix(hash, word);
        }
        for (; i < string->count; i++)
            hash = mix(hash, (unsigned char)string->bytes[i]);
        jrun_charge_bytes(run, string->count);
        return mix(hash, string->count);
    }
    case J_BOOL:
        return mix(hash, value.as.boolean);
    case J_INT:
        return mix(hash, (uint64_t)value.as.integer);
    case J_FLOAT:
        if (value.as.real == floor(value.as.real) && fabs(value.as.real) < 9.2e18)
            return mix(hash, (uint64_t)(int64_t)value.as.real);
        memcpy(&hash, &value.as.real, sizeof hash);
        return mix(0, hash);
    case J_TUPLE:
    case J_GROUP:
        jrun_enter(run);
        jrun_charge(run, value.as.list->count + 1);
        for (size_t i = 0; i < value.as.list->count; i++)
            hash = mix(hash, value_hash(run, value.as.list->items[i]));
        jrun_leave(run);
        return hash;
    default:
        return mix(hash, value.kind);
    }
}

static void check_key(struct jrun *run, struct jvalue key)
{
    if (!jvalue_hashable(run, key))
        jraise(run, "unhashable type: '%s'", jtype_name(key));
}

static bool keys_equal(struct jrun *run, struct jvalue a, struct jvalue b)
{
    if (a.kind == J_STRING && b.kind == J_STRING) {
        if (a.as.string->count != b.as.string->count)
            return false;
        jrun_charge_bytes(run, a.as.string->count);
        return jstring_equal(run, a.as.string, b.as.string);
    }
    return jequal(run, a, b);
}

static struct jentry *dict_find(struct jrun *run, const struct jdict *dict, struct jvalue key, uint64_t hash)
{
    if (dict->index == NULL) {
        for (size_t i = 0; i < dict->count; i++) {
            if (keys_equal(run, dict->entries[i].key, key))
                return &dict->entries[i];
        }
        return NULL;
    }
    for (size_t at = hash & (dict->index_size - 1); dict->index[at] != 0; at = (at + 1) & (dict->index_size - 1)) {
        struct jentry *entry = &dict->entries[dict->index[at] - 1];
        jrun_charge(run, 1);
        if (entry->hash == hash && keys_equal(run, entry->key, key))
            return entry;
    }
    return NULL;
}

static void dict_index_add(struct jdict *dict, uint32_t number)
{
    size_t at = dict->entries[number].hash & (dict->index_size - 1);

    while (dict->index[at] != 0)
        at = (at + 1) & (dict->index_size - 1);
    dict->index[at] = number + 1;
}

static void dict_reindex(struct jrun *run, struct jdict *dict)
{
    size_t size = 32;

    while (size < dict->count_max * 2)
        size *= 2;
    dict->index = jalloc_array(run, size, sizeof *dict->index);
    dict->index_size = size;
    memset(dict->index, 0, size * sizeof *dict->index);
    jrun_charge_bytes(run, size);
    for (uint32_t i = 0; i < dict->count; i++) {
        dict->entries[i].hash = value_hash(run, dict->entries[i].key);
        dict_index_add(dict, i);
    }
}

struct jdict *jdict_new(struct jrun *run, size_t room)
{
    struct jdict *dict = jalloc(run, sizeof *dict);

    *dict = (struct jdict){.count_max = room};
    if (room > 0)
        dict->entries = jalloc_array(run, room, sizeof *dict->entries);
    return dict;
}

void jdict_set(struct jrun *run, struct jdict *dict, struct jvalue key, struct jvalue value)
{
    uint64_t hash = 0;
    struct jentry *entry;

    check_key(run, key);
    jrun_charge(run, 1);
    if (dict->index == NULL && dict->count + 1 >= DICT_INDEX_MIN) {
        if (dict->count_max < 16) {
            dict->entries = jalloc_grow(run, dict->entries, dict->count_max * sizeof *entry, 16 * sizeof *entry);
            dict->count_max = 16;
        }
        dict_reindex(run, dict);
    }
    if (dict->index != NULL)
        hash = value_hash(run, key);
    entry = dict_find(run, dict, key, hash);
    if (entry != NULL) {
        entry->value = value;
        return;
    }
    if (dict->count == dict->count_max) {
        size_t room = dict->count_max < 4 ? 4 : dict->count_max * 2;
        if (room > UINT32_MAX / 2)
            jfail(run, QUIRE_LIMIT, "a dictionary of more than %u entries", UINT32_MAX / 2);
        dict->entries = jalloc_grow(run, dict->entries, dict->count_max * sizeof *entry, room * sizeof *entry);
        dict->count_max = room;
        if (dict->index != NULL)
            dict_reindex(run, dict);
    }
    dict->entries[dict->count++] = (struct jentry){.key = key, .value = value, .hash = hash};
    if (dict->index != NULL)
        dict_index_add(dict, (uint32_t)(dict->count - 1));
}

const struct jvalue *jdict_get(struct jrun *run, const struct jdict *dict, struct jvalue key)
{
    struct jentry *entry;

    check_key(run, key);
    entry = dict_find(run, dict, key, dict->index != NULL ? value_hash(run, key) : 0);
    return entry != NULL ? &entry->value : NULL;
}

const struct jvalue *jdict_get_string(struct jrun *run, const struct jdict *dict, const struct jstring *key)
{
    return jdict_get(run, dict, jstr(key));
}

/* A merge sort, stable. */
size_t *jdict_sorted(struct jrun *run, const struct jdict *dict,
                     bool (*less)(struct jrun *run, struct jvalue a, struct jvalue b))
{
    size_t *order = jalloc_array(run, dict->count, sizeof *order);
    size_t *spare = jalloc_array(run, dict->count, sizeof *spare);

    jrun_charge(run, dict->count);
    for (size_t i = 0; i < dict->count; i++)
        order[i] = i;
    for (size_t width = 1; width < dict->count; width *= 2) {
        for (size_t from = 0; from < dict->count; from += 2 * width) {
            size_t middle = from + width < dict->count ? from + width : dict->count;
            size_t end = from + 2 * width < dict->count ? from + 2 * width : dict->count;
            for (size_t a = from, b = middle, k = from; k < end; k++) {
                bool right = a == middle || (b < end && less(run, dict->entries[order[b]].key,
                                                             dict->entries[order[a]].key));
                spare[k] = right ? order[b++] : order[a++];
            }
        }
        size_t *swap = order;
        order = spare;
        spare = swap;
    }
    return order;
}

/* ---- iteration --------------------------------------------------------------------------------------------------- */

struct jiterator *jiterator_new(struct jrun *run, bool (*next)(struct jrun *, struct jiterator *, struct jvalue *))
{
    struct jiterator *iterator = jalloc(run, sizeof *iterator);

    *iterator = (struct jiterator){.next = next};
    return iterator;
}

static bool next_item(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct jlist *list = self->source.as.list;

    (void)run;
    if (self->at >= list->count)
        return false;
    *out = list->items[self->at++];
    return true;
}

/* A text of one ASCII character, made once: some templates walk over long texts, expecting lists. */
static const struct jstring *letter(struct jrun *run, const char *byte, bool trusted)
{
    size_t number = (size_t)(unsigned char)*byte * 2 + trusted;

    if (run->letters == NULL) {
        run->letters = jalloc_array(run, 256, sizeof *run->letters);
        memset(run->letters, 0, 256 * sizeof *run->letters);
    }
    if (run->letters[number] == NULL)
        run->letters[number] = jstring_new(run, byte, 1, trusted);
    return run->letters[number];
}

static bool next_char(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct jstring *string = self->source.as.string;
    size_t start = self->at;

    uint32_t code;

    if (start >= string->count)
        return false;
    code = jchar_at(string->bytes, start, &self->at);
    *out = jstr(code < 0x80 ? letter(run, string->bytes + start, jstring_trusted_at(string, start))
                            : jstring_plain(run, jstring_part(run, string, start, self->at)));
    return true;
}

static bool next_entry(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct jdict *dict = self->source.as.dict;
    const struct jentry *entry;

    if (self->at >= dict->count)
        return false;
    entry = &dict->entries[self->at++];
    if (self->source.kind == J_VALUES) {
        *out = entry->value;
    } else if (self->source.kind == J_ITEMS) {
        struct jlist *pair = jlist_new(run, 2);
        jlist_append(run, pair, entry->key);
        jlist_append(run, pair, entry->value);
        *out = jlist_value(pair, J_TUPLE);
    } else {
        *out = entry->key;
    }
    return true;
}

static bool next_number(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    const struct jrange *range = self->source.as.range;

    (void)run;
    if (self->at >= (size_t)range->count)
        return false;
    *out = jint(range->start + (int64_t)self->at++ * range->step);
    return true;
}

static bool next_nothing(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    (void)run, (void)self, (void)out;
    return false;
}

static const struct {
    bool (*next)(struct jrun *run, struct jiterator *self, struct jvalue *out);
} walks[J_JOINER + 1] = {
    [J_UNDEFINED] = {next_nothing}, [J_STRING] = {next_char},  [J_LIST] = {next_item},   [J_TUPLE] = {next_item},
    [J_GROUP] = {next_item},        [J_DICT] = {next_entry},   [J_KEYS] = {next_entry},  [J_VALUES] = {next_entry},
    [J_ITEMS] = {next_entry},       [J_RANGE] = {next_number},
};

bool jvalue_iterable(struct jvalue value)
{
    return value.kind == J_ITERATOR || value.kind == J_LOOP || walks[value.kind].next != NULL;
}

struct jiterator *jiterate(struct jrun *run, struct jvalue value)
{
    struct jiterator *iterator;

    if (value.kind == J_ITERATOR)
        return value.as.iterator;
    if (walks[value.kind].next == NULL)
        jraise(run, "'%s' object is not iterable", jtype_name(value));
    iterator = jiterator_new(run, walks[value.kind].next);
    iterator->source = value;
    return iterator;
}

bool jiterator_draw(struct jrun *run, struct jiterator *self, struct jvalue *out)
{
    if (self->inner == NULL)
        self->inner = jiterate(run, self->source);
    return jnext(run, self->inner, out);
}

struct jlist *jlist_from(struct jrun *run, struct jvalue iterable)
{
    struct jiterator *iterator = jiterate(run, iterable);
    struct jlist *list = jlist_new(run, 0);
    struct jvalue item;

    while (jnext(run, iterator, &item))
        jlist_append(run, list, item);
    return list;
}
