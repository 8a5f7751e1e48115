/* Writing JSON text piece by piece, without a tree: what a stream sends for each token is composed with these. */
#ifndef QUIRE_REPLY_JSON_H
#define QUIRE_REPLY_JSON_H

#include "tokenizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text that grows. Zero-initialise; release with json_out_deinit. When memory fails, `failed` stays set and the rest is
 * dropped, so that callers check once, at the end. */
struct json_out {
    struct text text;
    bool failed;
};
void json_out_deinit(struct json_out *out);
void json_out_clear(struct json_out *out); /* keeps the memory */

void out_raw(struct json_out *out, const char *literal);
void out_raw_bytes(struct json_out *out, const char *bytes, size_t count);
/* The inside of a JSON string: `bytes` with escapes. Bytes that are not UTF-8 become U+FFFD. */
void out_escaped(struct json_out *out, const char *bytes, size_t count);
void out_string(struct json_out *out, const char *bytes, size_t count); /* with quotes */
void out_text(struct json_out *out, const char *text);                  /* NUL terminated, with quotes; NULL: null */
void out_uint(struct json_out *out, uint64_t value);
/* Nine significant digits, which give back the very float. JSON has no infinities: -inf is written as -9999.0, as vLLM does. */
void out_float(struct json_out *out, float value);
void out_ids(struct json_out *out, const uint32_t *ids, size_t count); /* [1,2,3] */

/* Bytes of the longest prefix of `bytes` that does not end inside a UTF-8 character. */
size_t utf8_complete_prefix(const char *bytes, size_t count);
/* Characters in UTF-8 text. */
size_t utf8_length(const char *bytes, size_t count);

#endif
