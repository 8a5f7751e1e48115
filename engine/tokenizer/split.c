/* Pre-tokenizers. Thread: any; lists are immutable, scratch belongs to the caller. Owner: tokenizer.
 * Semantics: the pre-tokenizers of Hugging Face's tokenizers, taken apart into a few steps (see the loader). */
#include "split.h"

#include "byte_alphabet.h"

#include <stdlib.h>
#include <string.h>

void splitter_list_deinit(struct splitter_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        pattern_destroy(list->steps[i].pattern);
        text_deinit(&list->steps[i].content);
    }
    free(list->steps);
    *list = (struct splitter_list){0};
}

struct splitter *splitter_list_add(struct splitter_list *list, enum split_kind kind)
{
    void *steps = list->steps;

    if (array_grow(&steps, &list->count_max, list->count + 1, sizeof *list->steps) != QUIRE_OK)
        return NULL;
    list->steps = steps;
    list->steps[list->count] = (struct splitter){.kind = kind};
    return &list->steps[list->count++];
}

void split_scratch_deinit(struct split_scratch *scratch)
{
    text_deinit(&scratch->now.text);
    text_deinit(&scratch->next.text);
    free(scratch->now.words);
    free(scratch->next.words);
    free(scratch->cuts);
    *scratch = (struct split_scratch){0};
}

/* Empty words vanish, as in the reference. */
static enum quire_status word_append(struct word_list *list, size_t start, size_t end)
{
    if (start == end)
        return QUIRE_OK;
    if (list->count == list->count_max) {
        void *words = list->words;
        if (array_grow(&words, &list->count_max, list->count + 1, sizeof *list->words) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        list->words = words;
    }
    list->words[list->count++] = (struct word){start, end};
    return QUIRE_OK;
}

static enum quire_status cut_append(struct split_scratch *scratch, size_t start, size_t end, bool match)
{
    if (scratch->cut_count == scratch->cut_max) {
        void *cuts = scratch->cuts;
        if (array_grow(&cuts, &scratch->cut_max, scratch->cut_count + 1, sizeof *scratch->cuts) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        scratch->cuts = cuts;
    }
    scratch->cuts[scratch->cut_count++] = (struct cut){start, end, match};
    return QUIRE_OK;
}

/* ---- finding the cuts: matches and what lies between, over the whole word ---------------------------------------- */

static enum quire_status cut_at_pattern(const struct splitter *step, struct matcher *matcher, const char *text,
                                        size_t count, struct split_scratch *scratch)
{
    struct pattern_walk walk = {0};
    size_t done = 0, start, end;
    enum quire_status status;

    while ((status = pattern_next(step->pattern, matcher, text, count, &walk, &start, &end)) == QUIRE_OK) {
        if ((done < start && cut_append(scratch, done, start, false) != QUIRE_OK) ||
            cut_append(scratch, start, end, true) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        done = end;
    }
    if (status != QUIRE_NOT_FOUND)
        return status;
    return done < count ? cut_append(scratch, done, count, false) : QUIRE_OK;
}

static enum quire_status cut_at_chars(const struct splitter *step, const char *text, size_t count,
                                      struct split_scratch *scratch)
{
    size_t done = 0, at = 0;

    while (at < count) {
        size_t start = at;
        if (!char_in(step->chars, utf8_next(text, &at)))
            continue;
        if ((done < start && cut_append(scratch, done, start, false) != QUIRE_OK) ||
            cut_append(scratch, start, at, true) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        done = at;
    }
    return done < count ? cut_append(scratch, done, count, false) : QUIRE_OK;
}

static enum quire_status cut_fixed(const struct splitter *step, const char *text, size_t count,
                                   struct split_scratch *scratch)
{
    size_t start = 0;

    for (size_t at = 0, length = 0; at < count;) {
        (void)utf8_next(text, &at);
        if (++length == step->length || at == count) {
            if (cut_append(scratch, start, at, true) != QUIRE_OK)
                return QUIRE_NO_MEMORY;
            start = at;
            length = 0;
        }
    }
    return QUIRE_OK;
}

static enum quire_status cut_at_scripts(const char *text, size_t count, struct split_scratch *scratch)
{
    unsigned last = SCRIPT_ANY; /* of the last character that has one */
    size_t done = 0;

    for (size_t at = 0; at < count;) {
        size_t start = at;
        unsigned script = char_script(utf8_next(text, &at));
        if (script == SCRIPT_ANY || script == last)
            continue;
        if (last != SCRIPT_ANY && cut_append(scratch, done, start, true) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        last = script;
        done = start;
    }
    return last == SCRIPT_ANY ? QUIRE_OK : cut_append(scratch, done, count, true);
}

/* ---- from cuts to words ------------------------------------------------------------------------------------------ */

/* Merges cuts [i, result) into one word where the behaviour says so; returns result. */
static size_t merge_end(enum split_behaviour behaviour, const struct cut *cuts, size_t count, size_t i)
{
    size_t end = i + 1;

    switch (behaviour) {
    case SPLIT_CONTIGUOUS:
        while (end < count && cuts[end].match == cuts[i].match)
            end++;
        return end;
    case SPLIT_MERGED_PREVIOUS: /* a match joins what stands before it, unless that is a match itself */
        return !cuts[i].match && end < count && cuts[end].match ? end + 1 : end;
    case SPLIT_MERGED_NEXT:
        return cuts[i].match && end < count && !cuts[end].match ? end + 1 : end;
    case SPLIT_ISOLATED:
    case SPLIT_REMOVED:
        break;
    }
    return end;
}

static enum quire_status cuts_to_words(const struct splitter *step, struct split_scratch *scratch, size_t base,
                                       struct word_list *out)
{
    struct cut *cuts = scratch->cuts;

    for (size_t i = 0; i < scratch->cut_count && step->invert; i++)
        cuts[i].match = !cuts[i].match;
    for (size_t i = 0; i < scratch->cut_count;) {
        size_t end = merge_end(step->behaviour, cuts, scratch->cut_count, i);
        bool dropped = step->behaviour == SPLIT_REMOVED && cuts[i].match;
        if (!dropped && word_append(out, base + cuts[i].start, base + cuts[end - 1].end) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        i = end;
    }
    return QUIRE_OK;
}

/* ---- steps that change the text ---------------------------------------------------------------------------------- */

static enum quire_status rewrite_bytes(const char *text, size_t count, struct text *out)
{
    if (text_reserve(out, count * 2) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    for (size_t i = 0; i < count; i++) /* the alphabet ends at U+0143: one or two bytes */
        out->count += utf8_encode(byte_to_char((unsigned char)text[i]), out->bytes + out->count);
    return QUIRE_OK;
}

static enum quire_status rewrite_matches(const struct splitter *step, struct matcher *matcher, const char *text,
                                         size_t count, struct text *out)
{
    struct pattern_walk walk = {0};
    size_t at = 0, start, end;
    enum quire_status status;

    while ((status = pattern_next(step->pattern, matcher, text, count, &walk, &start, &end)) == QUIRE_OK) {
        if (text_append(out, text + at, start - at) != QUIRE_OK ||
            text_append(out, step->content.bytes, step->content.count) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        at = end;
    }
    return status == QUIRE_NOT_FOUND ? text_append(out, text + at, count - at) : status;
}

static enum quire_status rewrite_part(const struct splitter *step, struct matcher *matcher, const char *text,
                                      size_t count, struct text *out)
{
    switch (step->kind) {
    case SPLIT_BYTES:
        return rewrite_bytes(text, count, out);
    case SPLIT_REPLACE:
        return rewrite_matches(step, matcher, text, count, out);
    default:
        return text_append(out, text, count);
    }
}

/* The first `origin` bytes come from the first character of the input, and so does what becomes of them. */
static enum quire_status rewrite_word(const struct splitter *step, struct matcher *matcher, const char *text,
                                      size_t count, size_t origin, struct word_list *next)
{
    const struct text *content = &step->content;
    size_t start = next->text.count;

    if (step->kind == SPLIT_PREFIX && (origin > 0 || !step->first) && !text_begins(text, count, content) &&
        text_append(&next->text, content->bytes, content->count) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    enum quire_status status = QUIRE_OK;
    if (origin > 0) {
        status = rewrite_part(step, matcher, text, origin, &next->text);
        next->origin = next->text.count;
    }
    if (status == QUIRE_OK)
        status = rewrite_part(step, matcher, text + origin, count - origin, &next->text);
    return status == QUIRE_OK ? word_append(next, start, next->text.count) : status;
}

static enum quire_status cut_word(const struct splitter *step, struct matcher *matcher, struct split_scratch *scratch,
                                  size_t start, size_t end)
{
    const char *text = scratch->now.text.bytes + start;
    enum quire_status status = QUIRE_OK;

    scratch->cut_count = 0;
    switch (step->kind) {
    case SPLIT_PATTERN:
        status = cut_at_pattern(step, matcher, text, end - start, scratch);
        break;
    case SPLIT_CHARS:
        status = cut_at_chars(step, text, end - start, scratch);
        break;
    case SPLIT_SCRIPTS:
        status = cut_at_scripts(text, end - start, scratch);
        break;
    default:
        status = cut_fixed(step, text, end - start, scratch);
    }
    return status == QUIRE_OK ? cuts_to_words(step, scratch, start, &scratch->next) : status;
}

static enum quire_status step_run(const struct splitter *step, struct matcher *matcher, struct split_scratch *scratch)
{
    struct word_list *now = &scratch->now, *next = &scratch->next;
    bool rewrites = step->kind == SPLIT_BYTES || step->kind == SPLIT_REPLACE || step->kind == SPLIT_PREFIX;

    next->count = next->text.count = 0;
    next->origin = rewrites ? 0 : now->origin;
    for (size_t i = 0; i < now->count; i++) {
        size_t start = now->words[i].start, end = now->words[i].end;
        size_t origin = now->origin > end ? end - start : now->origin > start ? now->origin - start : 0;
        enum quire_status status = rewrites ? rewrite_word(step, matcher, now->text.bytes + start, end - start, origin,
                                                           next)
                                            : cut_word(step, matcher, scratch, start, end);
        if (status != QUIRE_OK)
            return status;
    }
    if (!rewrites) { /* the words moved, the text stays */
        struct text text = now->text;
        now->text = next->text;
        next->text = text;
    }
    struct word_list made = *next;
    *next = *now;
    *now = made;
    return QUIRE_OK;
}

enum quire_status split_words(const struct splitter_list *list, struct matcher *matcher, const char *text, size_t count,
                              size_t origin, struct split_scratch *scratch)
{
    scratch->now.count = scratch->now.text.count = 0;
    scratch->now.origin = origin;
    scratch->now.text.bound = scratch->next.text.bound = text_bound(count);
    if (text_append(&scratch->now.text, text, count) != QUIRE_OK || word_append(&scratch->now, 0, count) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        enum quire_status status = step_run(&list->steps[i], matcher, scratch);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}
