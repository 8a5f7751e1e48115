/* One field of a format, as "%5.2f" and "{:>5.2f}" share it. Thread: the run's. Owner: the caller's stack. */
#ifndef JINJA_FORMAT_H
#define JINJA_FORMAT_H

#include "builtin.h"

#include <string.h>

/* What stands between the % or the : and the letter. */
struct jspec {
    uint32_t fill;
    char align, sign, grouping, type; /* 0: not given */
    bool alternate, zero, positive_zero;
    int64_t width, precision; /* -1: not given */
};

/* strchr, but for the terminator. */
static inline bool jspec_one_of(const char *set, char c)
{
    return c != 0 && strchr(set, c) != NULL;
}

/* A decimal number at text[*at], if there is one; clipped where it is absurd. */
bool jspec_parse_digits(const struct jstring *text, size_t *at, int64_t *number);
void jspec_add_padded(struct jbuilder *out, const struct jstring *sign, const struct jstring *body,
                      const struct jspec *spec, char default_align);
void jspec_add_char(struct jbuilder *out, int64_t code, const struct jspec *spec);
void jspec_add_integer(struct jbuilder *out, int64_t integer, const struct jspec *spec);
void jspec_add_real(struct jbuilder *out, double real, const struct jspec *spec);

#endif
