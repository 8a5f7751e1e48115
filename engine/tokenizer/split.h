/* Pre-tokenizers: a text to the words that the model sees one at a time. */
#ifndef QUIRE_SPLIT_H
#define QUIRE_SPLIT_H

#include "pattern.h"
#include "unicode.h"

enum split_kind {
    SPLIT_PATTERN, /* at matches of `pattern` */
    SPLIT_CHARS,   /* at characters of `chars` */
    SPLIT_FIXED,   /* every `length` characters */
    SPLIT_SCRIPTS, /* where the script changes; what stands before the first script goes */
    SPLIT_PREFIX,  /* no cut: `content` before each word that does not begin with it; with `first`, only before words
                      that begin with the first character of the input */
    SPLIT_REPLACE, /* no cut: each match of `pattern` becomes `content` */
    SPLIT_BYTES,   /* no cut: bytes become characters of the byte alphabet */
};

/* What becomes of a match, as in Hugging Face's SplitDelimiterBehavior. */
enum split_behaviour { SPLIT_ISOLATED, SPLIT_REMOVED, SPLIT_CONTIGUOUS, SPLIT_MERGED_PREVIOUS, SPLIT_MERGED_NEXT };

struct splitter {
    enum split_kind kind;
    enum split_behaviour behaviour;
    bool invert; /* cut at what does not match */
    bool first;
    enum char_set chars;
    size_t length;
    struct pattern *pattern;
    struct text content;
};

struct splitter_list {
    struct splitter *steps;
    size_t count, count_max;
};
void splitter_list_deinit(struct splitter_list *list);
/* Appends a zeroed step of `kind` for the caller to fill; NULL without memory. */
struct splitter *splitter_list_add(struct splitter_list *list, enum split_kind kind);

struct word {
    size_t start, end;
};

/* Words over a text. Reused from call to call; zero-initialise. */
struct word_list {
    struct text text;
    struct word *words;
    size_t count, count_max;
    size_t origin; /* words that start before this byte begin with the first character of the input */
};
struct split_scratch {
    struct word_list now, next;
    struct cut {
        size_t start, end;
        bool match;
    } *cuts;
    size_t cut_count, cut_max;
};
void split_scratch_deinit(struct split_scratch *scratch);

/* Cuts `text` (valid UTF-8); the words are in scratch->now. The first `origin` bytes come from the first character of
 * the input. QUIRE_NO_MEMORY, QUIRE_LIMIT. */
QUIRE_NODISCARD enum quire_status split_words(const struct splitter_list *list, struct matcher *matcher,
                                              const char *text, size_t count, size_t origin,
                                              struct split_scratch *scratch);

#endif
