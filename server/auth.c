/* Constant-time comparison of the API key. Pure; any thread. */
#include "auth.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

bool auth_accepts(const char *key, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    size_t key_bytes = strlen(key), given_bytes;
    const char *given;
    volatile unsigned difference;

    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    given = authorization + sizeof scheme - 1;
    given += strspn(given, " ");
    given_bytes = strlen(given);
    difference = given_bytes != key_bytes;
    for (size_t i = 0; i < given_bytes; i++) /* as long as what was given, right or wrong */
        difference = difference | (unsigned)((unsigned char)given[i] ^ (unsigned char)key[key_bytes == 0 ? 0 : i % key_bytes]);
    return difference == 0;
}
