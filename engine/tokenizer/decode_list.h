/* The steps of a decoder, each from a list of strings to another. */
#ifndef QUIRE_DECODE_LIST_H
#define QUIRE_DECODE_LIST_H

#include "pattern.h"

enum decode_kind {
    DECODE_REPLACE,       /* matches of `pattern` become `content` */
    DECODE_BYTE_FALLBACK, /* "<0xE2>" is that byte; a run of them is one string, or U+FFFD for each if it is broken */
    DECODE_FUSE,          /* all strings become one */
    DECODE_STRIP,         /* up to `left`, `right` characters `content` at the ends of each string go */
    DECODE_BYTE_LEVEL,    /* characters of the byte alphabet are bytes; all strings become one */
    DECODE_METASPACE,     /* `content` is a blank; with `prefix` those of the first string go */
    DECODE_WORDPIECE, /* `content` ("##") joins to what stands before, else a blank; with `cleanup` English is tidied */
    DECODE_JOIN,      /* a blank before each string but the first */
    DECODE_BPE,       /* `content` ("</w>") is a blank, in the last string nothing */
    DECODE_CTC, /* equal neighbours are one, `content` goes, with `cleanup` English is tidied and `blank` is a blank */
};

struct decode_step {
    enum decode_kind kind;
    struct pattern *pattern;
    struct text content, blank;
    size_t left, right;
    bool prefix, cleanup;
};

/* String i is bytes[ends[i - 1], ends[i]). Zero-initialise. */
struct string_list {
    struct text bytes;
    size_t *ends;
    size_t count, count_max;
};
void string_list_deinit(struct string_list *list);
void string_list_clear(struct string_list *list);
/* Ends a string whose bytes were appended to list->bytes. */
QUIRE_NODISCARD enum quire_status string_list_end(struct string_list *list);
QUIRE_NODISCARD enum quire_status string_list_append(struct string_list *list, const char *bytes, size_t count);
/* A view of string i. */
struct text string_list_get(const struct string_list *list, size_t i);

/* What of the text a list is. */
struct decode_scope {
    bool first, last; /* the list's first string begins the text, its last one ends it */
};

/* The byte that "<0xE2>" names, or -1. */
int named_byte(const struct text *text);
/* Appends a run of bytes to *out: as they are where they are valid UTF-8, else as U+FFFD for each, one string each. */
QUIRE_NODISCARD enum quire_status byte_run_append(const char *bytes, size_t count, struct string_list *out);

/* Appends the bytes that the strings of the byte alphabet in *in stand for. */
QUIRE_NODISCARD enum quire_status byte_string_read(const struct string_list *in, struct text *out);

/* QUIRE_NO_MEMORY; QUIRE_LIMIT where an expression takes too many steps. */
QUIRE_NODISCARD enum quire_status decode_step_run(const struct decode_step *step, struct matcher *matcher,
                                                  struct decode_scope scope, const struct string_list *in,
                                                  struct string_list *out);

#endif
