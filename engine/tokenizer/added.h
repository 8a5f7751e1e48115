/* Added tokens: spellings that become one token before any normalizer or pre-tokenizer sees the text. */
#ifndef QUIRE_ADDED_H
#define QUIRE_ADDED_H

#include "text.h"

struct added_token {
    struct text content; /* as it is looked for; for normalised tokens, after the normalizer */
    uint32_t id;
    bool single_word;             /* not inside a word */
    bool strip_left, strip_right; /* takes the white space beside it */
    bool normalized;              /* looked for in normalised text */
    bool special;                 /* left out by skip_special */
    bool reserved;                /* only where every byte is trusted */
};

struct added_list {
    struct added_token *tokens;
    size_t count, count_max;
    bool first_byte[256]; /* of some content: most positions are dismissed by it */
};
void added_list_deinit(struct added_list *list);
/* Appends a zeroed token for the caller to fill; NULL without memory. */
struct added_token *added_list_add(struct added_list *list);
/* Orders the list for added_find, drops empty contents. */
void added_list_prepare(struct added_list *list);

struct added_match {
    size_t start, end;
    uint32_t id;
};
/* The first token in text[from, count), the longest where several begin there; `marks` says which bytes are trusted.
 * `text` is the whole segment, so that what stands before `from` counts for single_word. False where none. */
bool added_find(const struct added_list *list, const char *text, const char *marks, size_t count, size_t from,
                struct added_match *match);

#endif
