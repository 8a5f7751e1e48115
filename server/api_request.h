/* What the endpoints that take a JSON body have in common. */
#ifndef QUIRE_API_REQUEST_H
#define QUIRE_API_REQUEST_H

#include "exchange.h"
#include "request_json.h"

/* Turns parsed fields into exchange->generation, started, or into exchange->reply; false with `error` filled. */
typedef bool request_answer(struct exchange *exchange, const struct served_model *model,
                            const struct request_fields *fields, struct api_error *error);

/* Checks that the server takes work, parses the body, checks the model's name and calls `answer`; an error becomes the
 * reply. */
void api_request(struct exchange *exchange, enum endpoint endpoint, request_answer *answer);

#endif
