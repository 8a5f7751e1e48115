/* What request.c keeps beside a request for the step thread alone. */
#ifndef QUIRE_REQUEST_PRIVATE_H
#define QUIRE_REQUEST_PRIVATE_H

#include "request.h"

#define REQUEST_STOPS_MAX 64u
#define REQUEST_STOP_BYTES_MAX 4096u
#define REQUEST_STOP_IDS_MAX 1024u
#define REQUEST_BIASES_MAX 4096u

/* The Knuth-Morris-Pratt failure table of stop string `index`: [stops[index].count]. Entry i is the length of the
 * longest proper prefix of the string that ends at its byte i. */
const uint16_t *request_stop_failure(const struct request *request, uint32_t index);

/* Two words that stand for the cache salt: equal for equal salts. */
const uint64_t *request_salt_digest(const struct request *request);

/* What somebody lacked who was not admitted, so that the next steps need not go through its prompt anew. */
struct request_wait {
    uint64_t wanted_blocks; /* of the group; 0: nothing is known */
    uint32_t group;
    uint64_t admission_count; /* the scheduler's at that time */
};

/* The one of a request that has no sequence yet. */
struct request_wait *request_wait(struct request *request);

/* True when the step thread has to follow the text of this request's answers. */
static inline bool request_watches_text(const struct request *request)
{
    return request->spec.stop_count != 0;
}

#endif
