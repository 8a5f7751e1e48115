/* The API key. */
#ifndef QUIRE_AUTH_H
#define QUIRE_AUTH_H

#include <stdbool.h>

/* Whether the header Authorization (may be NULL) carries `key` as "Bearer KEY". The time taken does not depend on how much of
 * the key is right (CVE-2025-59425). */
bool auth_accepts(const char *key, const char *authorization);

#endif
