/* Finds stop strings in a text that arrives in pieces, and tells how much of it is safe to show. */
#ifndef QUIRE_STOP_MATCH_H
#define QUIRE_STOP_MATCH_H

#include "request_private.h"

/* Copyable: a fork copies it. Zero-initialised it stands before the text's first byte. */
struct stop_match {
    uint64_t text_bytes;                 /* of the text so far */
    uint64_t passed_bytes;               /* a string that ends within so many bytes is passed by (min_tokens) */
    uint16_t matched[REQUEST_STOPS_MAX]; /* so many bytes of each stop string are the end of the text */
};

/* Goes through the next `count` bytes. True when a stop string is complete: `stop_index` tells which, `start` where it
 * begins in the text, and the rest of the bytes is not looked at. The first string to become complete wins, wherever
 * the pieces were cut; of several that end at the same byte the first of the request's list (as in vLLM, whose clients
 * put first what they prefer). */
bool stop_match_feed(struct stop_match *match, const struct request *request, const char *bytes, size_t count,
                     uint32_t *stop_index, uint64_t *start);

/* So many bytes of the text cannot become part of a stop string any more. Never decreases. */
uint64_t stop_match_safe_bytes(const struct stop_match *match, const struct request *request);

#endif
