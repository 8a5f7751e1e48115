/* The filter wordwrap, by the rules of Python's textwrap. Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

#include <string.h>

/* ---- chunks: what a line may be broken between ------------------------------------------------------------------- */

static bool is_gap(char byte) /* only these separate words */
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_word(uint32_t code)
{
    return code == '_' || jchar_is_alnum(code);
}

static bool is_letter(uint32_t code)
{
    return is_word(code) && !jchar_has(code, JCHAR_DECIMAL);
}

static bool is_word_or_mark(uint32_t code)
{
    return is_word(code) || (code != 0 && code < 0x80 && strchr("!\"'&.,?", (int)code) != NULL);
}

/* The character before `*at`, which moves there; 0 at the beginning. */
static uint32_t step_back(const struct jstring *line, size_t *at)
{
    return *at > 0 ? jchar_before(line->bytes, *at, at) : 0;
}

/* The character at `*at`, which moves behind it; 0 at the end. */
static uint32_t step(const struct jstring *line, size_t *at)
{
    return *at < line->count ? jchar_at(line->bytes, *at, at) : 0;
}

/* Where a dash of two hyphens or more between words ends that begins at `at`; `at` itself where there is none. */
static size_t dash_end(const struct jstring *line, size_t at)
{
    size_t before = at, end = at, after;

    if (line->bytes[at] != '-' || !is_word_or_mark(step_back(line, &before)))
        return at;
    while (end < line->count && line->bytes[end] == '-')
        end++;
    after = end;
    return end >= at + 2 && is_word(step(line, &after)) ? end : at;
}

/* Whether a word may be parted after the hyphen at `at`: after two letters, or a letter, a hyphen and one more, and
 * before two letters, which may have a hyphen between them. */
static bool parts_at(const struct jstring *line, size_t at)
{
    size_t back = at, next = at + 1;
    uint32_t last = step_back(line, &back), before = step_back(line, &back), code;

    if (!is_letter(last) || !is_letter(before == '-' ? step_back(line, &back) : before) ||
        !is_letter(step(line, &next)))
        return false;
    code = step(line, &next);
    return is_letter(code == '-' ? step(line, &next) : code);
}

/* Where the chunk that begins at `at` ends: a gap, a dash, or a word or its part up to a hyphen. */
static size_t chunk_end(const struct jstring *line, size_t at, bool hyphens)
{
    bool gap = is_gap(line->bytes[at]);
    size_t end = at;

    if (hyphens && dash_end(line, at) > at)
        return dash_end(line, at);
    do {
        step(line, &end);
        if (!hyphens || gap || end == line->count || line->bytes[end] != '-')
            continue;
        if (parts_at(line, end))
            return end + 1;
        if (dash_end(line, end) > end)
            return end;
    } while (end < line->count && is_gap(line->bytes[end]) == gap);
    return end;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

struct chunk {
    const struct jstring *text;
    bool space; /* nothing else in it */
};

struct wrap {
    struct jrun *run;
    size_t width; /* characters */
    bool break_long, hyphens;
    struct chunk *chunks; /* of the line at hand */
    size_t count, count_max;
    const struct jstring *between; /* lines of the output */
    struct jbuilder out;
};

static bool is_space(struct jrun *run, const struct jstring *text)
{
    return jstrip(run, text, jmissing(), true, false)->count == 0;
}

static void split_chunks(struct wrap *w, const struct jstring *line)
{
    w->count = 0;
    for (size_t at = 0, end; at < line->count; at = end) {
        const struct jstring *text;
        end = chunk_end(line, at, w->hyphens);
        jrun_charge_bytes(w->run, (end - at) * 4);
        text = jstring_part(w->run, line, at, end);
        if (w->count == w->count_max) {
            size_t room = w->count_max < 16 ? 16 : w->count_max * 2;
            w->chunks = jalloc_grow(w->run, w->chunks, w->count_max * sizeof *w->chunks, room * sizeof *w->chunks);
            w->count_max = room;
        }
        w->chunks[w->count++] = (struct chunk){.text = text, .space = is_space(w->run, text)};
    }
}

/* Where a word that fits on no line is broken, with room for so many characters: after a hyphen, if it can. */
static size_t break_word(struct wrap *w, const struct jstring *word, size_t room)
{
    size_t limit = jstring_offset(w->run, word, room), hyphen = limit;

    if (!w->hyphens)
        return limit;
    jrun_charge_bytes(w->run, limit * 2);
    while (hyphen > 0 && word->bytes[hyphen - 1] != '-')
        hyphen--;
    for (size_t i = 0; i + 1 < hyphen; i++) {
        if (word->bytes[i] != '-')
            return hyphen;
    }
    return limit;
}

/* What still goes on this line of a word that is too long for any; the chunk keeps the rest. */
static const struct jstring *break_off(struct wrap *w, struct chunk *chunk, size_t room)
{
    size_t end = break_word(w, chunk->text, room);
    const struct jstring *begun = jstring_part(w->run, chunk->text, 0, end);

    chunk->text = jstring_part(w->run, chunk->text, end, chunk->text->count);
    chunk->space = is_space(w->run, chunk->text);
    return is_space(w->run, begun) ? NULL : begun;
}

static void wrap_line(struct wrap *w, const struct jstring *line)
{
    size_t at = 0, lines = 0;

    split_chunks(w, line);
    while (at < w->count) {
        const struct jstring *begun = NULL;
        size_t from, to, used = 0;
        bool broken = false;
        at += w->chunks[at].space && lines > 0; /* dropped at the beginning of all lines but the first */
        for (from = at; at < w->count && used + w->chunks[at].text->chars <= w->width; at++)
            used += w->chunks[at].text->chars;
        to = at;
        if (at < w->count && w->chunks[at].text->chars > w->width) {
            broken = w->break_long;
            if (broken)
                begun = break_off(w, &w->chunks[at], w->width - used);
            else if (from == at)
                to = ++at; /* too long, yet whole */
        }
        if (!broken && to > from && w->chunks[to - 1].space) /* dropped at the end */
            to--;
        if (to == from && begun == NULL)
            continue;
        if (lines++ > 0)
            jbuilder_add_string(&w->out, w->between);
        for (size_t i = from; i < to; i++)
            jbuilder_add_string(&w->out, w->chunks[i].text);
        if (begun != NULL)
            jbuilder_add_string(&w->out, begun);
    }
}

static struct jvalue filter_wordwrap(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = jstring_of(run, call->args[0], "the value of wordwrap");
    int64_t width = jgiven(call->args[1]) ? jint_of(run, call->args[1], "width") : 79;
    struct jlist *lines = jsplit_lines(run, string, false);
    struct wrap w = {.run = run,
                     .width = (size_t)width,
                     .break_long = jflag(run, call->args[2], true),
                     .hyphens = jflag(run, call->args[4], true),
                     .between = jstring_new(run, "\n", 1, true)};

    if (jgiven(call->args[3]) && call->args[3].kind != J_NONE)
        w.between = jstring_of(run, call->args[3], "wrapstring");
    if (width <= 0 && lines->count > 0)
        jraise(run, "invalid width %lld (must be > 0)", (long long)width);
    jbuilder_init(&w.out, run);
    for (size_t i = 0; i < lines->count; i++) {
        if (i > 0)
            jbuilder_add_string(&w.out, w.between);
        wrap_line(&w, lines->items[i].as.string);
    }
    return jstr(jbuilder_string(&w.out));
}

const struct jbuiltin jfilters_wrap[] = {
    {"wordwrap", filter_wordwrap, "s width break_long_words wrapstring break_on_hyphens", 1, 0},
    {0},
};
