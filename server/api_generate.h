/* What the endpoints that generate text have in common. */
#ifndef QUIRE_API_GENERATE_H
#define QUIRE_API_GENERATE_H

#include "exchange.h"
#include "generation.h"

/* Turns parsed fields into exchange->generation, started; false with `error` filled. */
typedef bool generate_function(struct exchange *exchange, const struct served_model *model,
                               const struct request_fields *fields, struct api_error *error);

/* Checks that the server takes work, parses the body, checks the model's name and calls `generate`; an error becomes the reply. */
void api_generate(struct exchange *exchange, enum endpoint endpoint, generate_function *generate);

#endif
