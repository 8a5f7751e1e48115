/* The frame around the endpoints that take a JSON body. */
#include "api_request.h"

#include "generation.h"

#include <string.h>

static bool model_check(const struct service *service, const struct request_fields *fields, struct api_error *error)
{
    const char *name = json_string_value(fields->value[FIELD_MODEL]);

    if (name == NULL || json_is_text(fields->value[FIELD_MODEL], service->model_name))
        return true;
    return api_fail(error, ERROR_MODEL_NOT_FOUND, "model",
                    "the model '%.150s' does not exist; this server serves '%.150s'", name, service->model_name);
}

void api_request(struct exchange *exchange, enum endpoint endpoint, request_answer *answer)
{
    const struct served_model *model = exchange_model(exchange, true);
    struct request_fields fields;
    struct api_error error;
    bool fine;

    if (model == NULL)
        return;
    if (!request_fields_parse(exchange->body.text.bytes, exchange->body.text.count, endpoint, &fields, &error)) {
        exchange_fail(exchange, &error);
        return;
    }
    fine = model_check(exchange->service, &fields, &error) && answer(exchange, model, &fields, &error);
    request_fields_deinit(&fields);
    if (!fine) {
        generation_destroy(exchange->generation);
        exchange->generation = NULL;
        exchange_fail(exchange, &error);
    }
}
