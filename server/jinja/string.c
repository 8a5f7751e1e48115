/* Text with provenance: immutable strings, and the builder that makes them.
 * Thread: its run's. Owner: the run's arena. */
#include "value.h"

#include <assert.h>
#include <string.h>

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------- */

static size_t count_chars(const char *bytes, size_t count)
{
    size_t chars = 0;

    for (size_t i = 0; i < count; i++)
        chars += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return chars;
}

uint32_t jchar_before(const char *bytes, size_t at, size_t *start)
{
    size_t next;

    assert(at > 0);
    do
        at--;
    while (at > 0 && ((unsigned char)bytes[at] & 0xc0) == 0x80);
    *start = at;
    return jchar_at(bytes, at, &next);
}

size_t jchar_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

size_t jutf8_check(const char *bytes, size_t count)
{
    size_t i = 0;

    while (i < count) {
        unsigned char lead = (unsigned char)bytes[i];
        size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
        size_t next;
        uint32_t code;

        if (length == 0 || count - i < length)
            return i;
        for (size_t k = 1; k < length; k++) {
            if (((unsigned char)bytes[i + k] & 0xc0) != 0x80)
                return i;
        }
        code = jchar_at(bytes, i, &next);
        if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10ffff ||
            (code >= 0xd800 && code < 0xe000))
            return i;
        i = next;
    }
    return count;
}

/* ---- builder ----------------------------------------------------------------------------------------------------- */

void jbuilder_init(struct jbuilder *builder, struct jrun *run)
{
    *builder = (struct jbuilder){.run = run};
}

static void reserve(struct jbuilder *builder, size_t more)
{
    struct jrun *run = builder->run;
    size_t wanted, room;

    if (__builtin_add_overflow(builder->count, more, &wanted) || wanted > run->output_max)
        jfail(run, QUIRE_LIMIT, "a text of more than %zu bytes", run->output_max);
    if (wanted <= builder->count_max)
        return;
    room = builder->count_max * 2 > 64 ? builder->count_max * 2 : 64;
    if (room > run->output_max)
        room = run->output_max;
    if (room < wanted)
        room = wanted;
    builder->bytes = jalloc_grow(run, builder->bytes, builder->count_max, room);
    builder->count_max = room;
}

static void mark_trust(struct jbuilder *builder, bool trusted)
{
    if (builder->count == 0) {
        builder->first = trusted;
    } else if (trusted != builder->last) {
        if (builder->flip_count == builder->flip_max) {
            size_t room = builder->flip_max * 2 > 8 ? builder->flip_max * 2 : 8;
            builder->flips = jalloc_grow(builder->run, builder->flips, builder->flip_max * sizeof(size_t),
                                         room * sizeof(size_t));
            builder->flip_max = room;
        }
        builder->flips[builder->flip_count++] = builder->count;
    }
    builder->last = trusted;
}

void jbuilder_add(struct jbuilder *builder, const char *bytes, size_t count, bool trusted)
{
    if (count == 0)
        return;
    jrun_charge_bytes(builder->run, count);
    reserve(builder, count);
    mark_trust(builder, trusted);
    memcpy(builder->bytes + builder->count, bytes, count);
    builder->count += count;
}

void jbuilder_add_text(struct jbuilder *builder, const char *text)
{
    jbuilder_add(builder, text, strlen(text), true);
}

void jbuilder_add_char(struct jbuilder *builder, uint32_t code, bool trusted)
{
    char bytes[4];

    jbuilder_add(builder, bytes, jchar_encode(code, bytes), trusted);
}

void jbuilder_add_fill(struct jbuilder *builder, const char *fill, size_t fill_bytes, size_t count, bool trusted)
{
    size_t bytes;

    if (count == 0 || fill_bytes == 0)
        return;
    if (__builtin_mul_overflow(fill_bytes, count, &bytes))
        bytes = SIZE_MAX;
    reserve(builder, bytes);
    jrun_charge_bytes(builder->run, bytes);
    mark_trust(builder, trusted);
    for (size_t i = 0; i < count; i++)
        memcpy(builder->bytes + builder->count + i * fill_bytes, fill, fill_bytes);
    builder->count += bytes;
}

/* Index of the first flip after `byte`. */
static size_t flip_after(const struct jstring *string, size_t byte)
{
    size_t low = 0, high = string->flip_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (string->flips[middle] <= byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void jbuilder_add_part(struct jbuilder *builder, const struct jstring *string, size_t from, size_t to)
{
    size_t flip = flip_after(string, from);

    assert(from <= to && to <= string->count);
    while (from < to) {
        size_t end = flip < string->flip_count && string->flips[flip] < to ? string->flips[flip] : to;
        jbuilder_add(builder, string->bytes + from, end - from, string->trusted ^ (flip & 1));
        from = end;
        flip++;
    }
}

void jbuilder_add_string(struct jbuilder *builder, const struct jstring *string)
{
    jbuilder_add_part(builder, string, 0, string->count);
}

const struct jstring *jbuilder_string(struct jbuilder *builder)
{
    struct jstring *string = jalloc(builder->run, sizeof *string);

    *string = (struct jstring){.bytes = builder->bytes != NULL ? builder->bytes : "",
                               .count = builder->count,
                               .chars = count_chars(builder->bytes, builder->count),
                               .flips = builder->flips,
                               .flip_count = builder->flip_count,
                               .trusted = builder->count == 0 || builder->first};
    return string;
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

const struct jstring *jstring_new(struct jrun *run, const char *bytes, size_t count, bool trusted)
{
    struct jstring *string = jalloc(run, sizeof *string);

    *string = (struct jstring){.bytes = bytes, .count = count, .chars = count_chars(bytes, count), .trusted = trusted};
    return string;
}

#define APPEND_BYTES_MIN 128u /* below that a copy is cheaper than the room to spare */

struct jtail {
    char *bytes;
    size_t used, room;
    size_t *flips;
    size_t flip_room;
};

static struct jtail *tail_new(struct jrun *run, const struct jstring *string, size_t more, size_t more_flips)
{
    struct jtail *tail = jalloc(run, sizeof *tail);

    *tail = (struct jtail){.used = string->count,
                           .room = (string->count + more) * 2,
                           .flip_room = (string->flip_count + more_flips) * 2};
    if (tail->room > run->output_max)
        tail->room = run->output_max;
    jrun_charge_bytes(run, string->count + string->flip_count * 8);
    tail->bytes = jalloc(run, tail->room);
    tail->flips = jalloc_array(run, tail->flip_room, sizeof *tail->flips);
    memcpy(tail->bytes, string->bytes, string->count);
    if (string->flip_count > 0)
        memcpy(tail->flips, string->flips, string->flip_count * sizeof *tail->flips);
    return tail;
}

const struct jstring *jstring_append(struct jrun *run, const struct jstring *left, const struct jstring *right)
{
    struct jtail *tail = left->tail;
    size_t flips = left->flip_count;
    struct jbuilder text;
    struct jstring *sum;

    if (left->count < APPEND_BYTES_MIN) {
        jbuilder_init(&text, run);
        jbuilder_add_string(&text, left);
        jbuilder_add_string(&text, right);
        return jbuilder_string(&text);
    }
    if (right->count > run->output_max - left->count)
        jfail(run, QUIRE_LIMIT, "a text of more than %zu bytes", run->output_max);
    if (tail == NULL || tail->used != left->count || tail->room - left->count < right->count ||
        tail->flip_room < flips + right->flip_count + 1)
        tail = tail_new(run, left, right->count, right->flip_count + 1);
    jrun_charge_bytes(run, right->count + right->flip_count * 8);
    memcpy(tail->bytes + left->count, right->bytes, right->count);
    if (right->trusted != (left->trusted ^ (flips & 1)))
        tail->flips[flips++] = left->count;
    for (size_t i = 0; i < right->flip_count; i++)
        tail->flips[flips++] = left->count + right->flips[i];
    tail->used = left->count + right->count;
    sum = jalloc(run, sizeof *sum);
    *sum = (struct jstring){.bytes = tail->bytes,
                            .count = tail->used,
                            .chars = left->chars + right->chars,
                            .flips = tail->flips,
                            .flip_count = flips,
                            .tail = tail,
                            .trusted = left->trusted};
    return sum;
}

const struct jstring *jstring_part(struct jrun *run, const struct jstring *string, size_t from, size_t to)
{
    struct jstring *part;
    size_t first = flip_after(string, from), last = first;

    assert(from <= to && to <= string->count);
    if (from == 0 && to == string->count)
        return string;
    jrun_charge_bytes(run, to - from);
    part = jalloc(run, sizeof *part);
    *part = (struct jstring){.bytes = string->bytes + from,
                             .count = to - from,
                             .chars = string->chars == string->count ? to - from
                                                                     : count_chars(string->bytes + from, to - from),
                             .trusted = string->trusted ^ (first & 1),
                             .markup = string->markup};
    while (last < string->flip_count && string->flips[last] < to)
        last++;
    if (last > first) {
        size_t *flips = jalloc_array(run, last - first, sizeof *flips);
        for (size_t i = first; i < last; i++)
            flips[i - first] = string->flips[i] - from;
        part->flips = flips;
        part->flip_count = last - first;
    }
    return part;
}

static const struct jstring *with_mark(struct jrun *run, const struct jstring *string, bool markup)
{
    struct jstring *copy;

    if (string->markup == markup)
        return string;
    copy = jalloc(run, sizeof *copy);
    *copy = *string;
    copy->markup = markup;
    return copy;
}

const struct jstring *jstring_plain(struct jrun *run, const struct jstring *string)
{
    return with_mark(run, string, false);
}

const struct jstring *jstring_markup(struct jrun *run, const struct jstring *string)
{
    return with_mark(run, string, true);
}

bool jstring_trusted_at(const struct jstring *string, size_t byte)
{
    return string->trusted ^ (string->flip_count != 0 && (flip_after(string, byte) & 1));
}

bool jstring_all_trusted(const struct jstring *string)
{
    return string->trusted && string->flip_count == 0;
}

size_t jstring_offset(struct jrun *run, const struct jstring *string, size_t char_index)
{
    size_t at = 0;

    if (char_index >= string->chars)
        return string->count;
    if (string->chars == string->count)
        return char_index;
    jrun_charge_bytes(run, char_index);
    for (size_t seen = 0;; at++) {
        if (((unsigned char)string->bytes[at] & 0xc0) != 0x80 && seen++ == char_index)
            return at;
    }
}

bool jstring_equal(struct jrun *run, const struct jstring *a, const struct jstring *b)
{
    if (a == b || a->count != b->count)
        return a == b;
    jrun_charge_bytes(run, a->count);
    return memcmp(a->bytes, b->bytes, a->count) == 0;
}

bool jstring_is(const struct jstring *string, const char *text)
{
    return string->count == strlen(text) && memcmp(string->bytes, text, string->count) == 0;
}

int jstring_compare(const struct jstring *a, const struct jstring *b)
{
    /* The order of UTF-8 bytes is that of code points. */
    int order = memcmp(a->bytes, b->bytes, a->count < b->count ? a->count : b->count);

    if (order != 0)
        return order < 0 ? -1 : 1;
    return a->count < b->count ? -1 : a->count > b->count;
}

size_t jstring_find(struct jrun *run, const struct jstring *string, const struct jstring *needle, size_t from,
                    size_t to)
{
    const char *found;

    if (from > to || to - from < needle->count)
        return SIZE_MAX;
    if (needle->count == 0)
        return from;
    jrun_charge_bytes(run, needle->count * 3); /* memmem() studies it first */
    found = memmem(string->bytes + from, to - from, needle->bytes, needle->count);
    jrun_charge_bytes(run, found == NULL ? to - from : (size_t)(found - string->bytes) - from);
    return found == NULL ? SIZE_MAX : (size_t)(found - string->bytes);
}

size_t jstring_rfind(struct jrun *run, const struct jstring *string, const struct jstring *needle, size_t from,
                     size_t to)
{
    size_t at, walked = 0;

    if (from > to || to - from < needle->count)
        return SIZE_MAX;
    for (at = to - needle->count;; at--) {
        size_t same = 0;
        while (same < needle->count && string->bytes[at + same] == needle->bytes[same])
            same++;
        walked += same + 1;
        if (walked >= 1024) { /* quadratic for the worst texts: paid for in steps */
            jrun_charge_bytes(run, walked);
            walked = 0;
        }
        if (same == needle->count)
            break;
        if (at == from) {
            at = SIZE_MAX;
            break;
        }
    }
    jrun_charge_bytes(run, walked);
    return at;
}
