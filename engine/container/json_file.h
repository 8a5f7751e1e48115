/* JSON files of bounded size. */
#ifndef QUIRE_JSON_FILE_H
#define QUIRE_JSON_FILE_H

#include "status.h"

#include <jansson.h>
#include <stddef.h>

/* Reads and parses, by jansson's `flags`, a file of at most `bytes_max` bytes whose top is an object; where a key
 * appears twice the last one counts, as in Python. A NUL in a key, which jansson refuses, reads as JSON_KEY_NUL. The
 * caller owns *out. QUIRE_NOT_FOUND, QUIRE_IO, QUIRE_LIMIT, QUIRE_BAD_FILE (names line and column). */
#define JSON_KEY_NUL "\xEF\xB7\x90" /* U+FDD0, a noncharacter */
QUIRE_NODISCARD enum quire_status json_file_load(const char *path, size_t bytes_max, size_t flags, json_t **out,
                                                 struct quire_error *error);

#endif
