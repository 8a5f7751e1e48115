/* From a request's messages to token ids, through the model's chat template. */
#ifndef QUIRE_CHAT_PROMPT_H
#define QUIRE_CHAT_PROMPT_H

#include "request_json.h"
#include "service.h"

/* Appends the ids of the prompt that `messages` and the fields beside them make. What came from the request never
 * becomes a special token, unless the operator allows it. `bounded`: a prompt that is far too long for the model is
 * refused before it is tokenized. False with `error` filled. Any thread. */
bool chat_prompt_build(const struct served_model *model, const struct request_fields *fields, bool bounded,
                       struct token_list *ids, struct api_error *error);

#endif
