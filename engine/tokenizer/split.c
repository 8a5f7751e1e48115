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
    size_t done = 0, search = 0, start, end;

    while (search <= count) {
        enum quire_status status = pattern_find(step->pattern, matcher, text, count, search, &start, &end);
        if (status == QUIRE_NOT_FOUND)
            break;
        if (status != QUIRE_OK)
            return status;
        if ((done < start && cut_append(scratch, done, start, false) != QUIRE_OK) ||
            cut_append(scratch, start, end, true) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        done = end;
        search = end > start ? end : end < count ? end + utf8_length(text[end]) : end + 1;
    }
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
    size_t at = 0, start, end;

    for (;;) {
        enum quire_status status = pattern_find(step->pattern, matcher, text, count, at, &start, &end);
        if (status != QUIRE_OK && status != QUIRE_NOT_FOUND)
            return status;
        if (status == QUIRE_NOT_FOUND || end == start)
            return text_append(out, text + at, count - at);
        if (text_append(out, text + at, start - at) != QUIRE_OK ||
            text_append(out, step->content.bytes, step->content.count) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        at = end;
    }
}

static enum quire_status rewrite_word(const struct splitter *step, struct matcher *matcher, const char *text,
                                      size_t count, bool at_start, struct text *out)
{
    const struct text *content = &step->content;

    switch (step->kind) {
    case SPLIT_BYTES:
        return rewrite_bytes(text, count, out);
    case SPLIT_REPLACE:
        return rewrite_matches(step, matcher, text, count, out);
    default:
        if ((at_start || !step->first) && !text_begins(text, count, content) &&
            text_append(out, content->bytes, content->count) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        return text_append(out, text, count);
    }
}

static enum quire_status step_run(const struct splitter *step, struct matcher *matcher, struct split_scratch *scratch)
{
    struct word_list *now = &scratch->now, *next = &scratch->next;
    bool rewrites = step->kind == SPLIT_BYTES || step->kind == SPLIT_REPLACE || step->kind == SPLIT_PREFIX;

    next->count = next->text.count = 0;
    for (size_t i = 0; i < now->count; i++) {
        const char *text = now->text.bytes + now->words[i].start;
        size_t count = now->words[i].end - now->words[i].start;
        enum quire_status status;
        if (rewrites) {
            size_t start = next->text.count;
            status = rewrite_word(step, matcher, text, count, now->at_start && i == 0, &next->text);
            if (status == QUIRE_OK)
                status = word_append(next, start, next->text.count);
        } else {
            scratch->cut_count = 0;
            status = step->kind == SPLIT_PATTERN ? cut_at_pattern(step, matcher, text, count, scratch)
                     : step->kind == SPLIT_CHARS ? cut_at_chars(step, text, count, scratch)
                                                 : cut_fixed(step, text, count, scratch);
            if (status == QUIRE_OK)
                status = cuts_to_words(step, scratch, now->words[i].start, next);
        }
        if (status != QUIRE_OK)
            return status;
    }
    next->at_start = now->at_start && now->count > 0 && next->count > 0 && next->words[0].start == now->words[0].start;
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
                              bool at_start, struct split_scratch *scratch)
{
    scratch->now.count = scratch->now.text.count = 0;
    scratch->now.at_start = at_start;
    if (text_append(&scratch->now.text, text, count) != QUIRE_OK || word_append(&scratch->now, 0, count) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        enum quire_status status = step_run(&list->steps[i], matcher, scratch);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}
