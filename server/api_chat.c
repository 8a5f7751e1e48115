/* POST /v1/chat/completions: messages through the model's chat template to a prompt. */
#include "api_request.h"

#include "chat_prompt.h"
#include "generation.h"

static bool chat(struct exchange *exchange, const struct served_model *model, const struct request_fields *fields,
                 struct api_error *error)
{
    exchange->generation = generation_create(exchange->service, model, ENDPOINT_CHAT, fields, 1, error);
    return exchange->generation != NULL &&
           chat_prompt_build(model, fields, true, &exchange->generation->prompts[0].ids, error) &&
           generation_start(exchange->generation, fields, error);
}

void api_chat(struct exchange *exchange)
{
    api_request(exchange, ENDPOINT_CHAT, chat);
}
