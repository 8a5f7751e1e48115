/* RFC 4648 base64. */
#ifndef QUIRE_BASE64_H
#define QUIRE_BASE64_H

#include "text.h"

/* Appends the bytes that `text` stands for, up to its padding. QUIRE_BAD_FILE for another character, QUIRE_NO_MEMORY.
 */
QUIRE_NODISCARD enum quire_status base64_decode(const char *text, size_t count, struct text *out);

#endif
