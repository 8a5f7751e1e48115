/* Patterns of tokenizer files: regular expressions as Oniguruma reads them, run by PCRE2, or literal strings. */
#ifndef QUIRE_PATTERN_H
#define QUIRE_PATTERN_H

#include "text.h"

struct pattern;

/* `expression` is in Oniguruma's dialect where it differs from PCRE2's in ways that tokenizers use (\s, \w, script
 * names, ^ and $). QUIRE_BAD_FILE with the reason where it does not compile. */
QUIRE_NODISCARD enum quire_status pattern_compile(const char *expression, size_t count, struct pattern **out,
                                                  struct quire_error *error);
QUIRE_NODISCARD enum quire_status pattern_literal(const char *bytes, size_t count, struct pattern **out);
void pattern_destroy(struct pattern *pattern); /* NULL is allowed */

/* What one thread needs to run patterns; a few KiB. */
struct matcher;
QUIRE_NODISCARD enum quire_status matcher_create(struct matcher **out);
void matcher_destroy(struct matcher *matcher); /* NULL is allowed */

/* The first match in text[from, count), empty ones included: QUIRE_OK and its bounds, QUIRE_NOT_FOUND, or QUIRE_LIMIT
 * where hostile text makes the expression backtrack too long. `text` is valid UTF-8 and `from` a character's start. */
QUIRE_NODISCARD enum quire_status pattern_find(const struct pattern *pattern, struct matcher *matcher, const char *text,
                                               size_t count, size_t from, size_t *start, size_t *end);

/* A walk over all matches in text[0, count), as in the reference: an empty match right behind the match before it does
 * not count. Zero-initialise. Gives QUIRE_NOT_FOUND behind the last one. */
struct pattern_walk {
    size_t search, end;
    bool found;
};
QUIRE_NODISCARD enum quire_status pattern_next(const struct pattern *pattern, struct matcher *matcher, const char *text,
                                               size_t count, struct pattern_walk *walk, size_t *start, size_t *end);

#endif
