/* Oniguruma's named sets of characters, as the inside of a PCRE2 class. */
#ifndef QUIRE_DIALECT_SETS_H
#define QUIRE_DIALECT_SETS_H

#include <stdbool.h>
#include <stddef.h>

struct dialect_set {
    const char *name; /* small letters, without "_" and "-" */
    const char *set;
    bool negated; /* what is not in `set` */
};

/* The set that \p{name} means, or with `posix` [[:name:]]; NULL for one that PCRE2 reads as Oniguruma does, or not at
 * all. */
const struct dialect_set *dialect_set_find(const char *name, size_t count, bool posix);
/* The set of an escape like \w, by its small letter; NULL for other letters. */
const char *dialect_escape_set(char letter, bool in_class);

#endif
