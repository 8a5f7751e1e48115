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
    bool exact;                   /* `content` already is as the normalizers leave it */
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
/* Drops the tokens of an id. */
void added_list_remove(struct added_list *list, uint32_t id);
/* Orders the list for added_next, drops empty contents. */
void added_list_prepare(struct added_list *list);

struct added_match {
    size_t start, end;
    uint32_t id;
};
/* A walk over a text. Zero-initialise. */
struct added_walk {
    size_t search; /* where the next token may begin */
    size_t done;   /* the text is dealt with up to here: more where a token took white space, where others may begin */
};
/* The next token of a text of `count` bytes; `marks` says which bytes are trusted. Tokens are found leftmost and
 * longest first; one that may not stand where it is hides what begins within it. What lies between walk->done as it
 * was and match->start is plain. False where no token is left. */
bool added_next(const struct added_list *list, const char *text, const char *marks, size_t count,
                struct added_walk *walk, struct added_match *match);

#endif
