/* Oniguruma's regular expressions, written anew for PCRE2. */
#ifndef QUIRE_DIALECT_H
#define QUIRE_DIALECT_H

#include "text.h"

/* Appends the translation of `expression` to `out`. What is broken stays broken, for PCRE2 to refuse. QUIRE_NO_MEMORY,
 * QUIRE_LIMIT (nested too deep). */
QUIRE_NODISCARD enum quire_status dialect_translate(const char *expression, size_t count, struct text *out);

#endif
