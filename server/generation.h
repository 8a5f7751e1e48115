/* The work of one completion or chat request: its prompts (each a scheduler request with n choices), how its answer is
 * to look, and the composing of that answer, whole or streamed. Knows no HTTP. */
#ifndef QUIRE_GENERATION_H
#define QUIRE_GENERATION_H

#include "api_error.h"
#include "choice.h"
#include "request_json.h"
#include "service.h"

struct generation_prompt {
    struct token_list ids;
    struct text text;        /* to echo; empty unless echoed */
    struct request *request; /* once started */
};

struct generation {
    struct service *service;
    const struct served_model *model;
    enum endpoint endpoint;
    bool stream, include_usage, echo, logprobs, return_token_ids;
    char id[REQUEST_ID_BYTES]; /* "cmpl-..." or "chatcmpl-..." */
    struct generation_prompt *prompts;
    uint32_t prompt_count;
    struct choice *choices; /* [prompt_count * n], of prompt i from i * n */
    uint32_t choice_count;
    struct json_out head;   /* what every event of the stream begins with */
    uint64_t answer_bytes;  /* estimate of the largest answer */
    uint32_t next_choice;   /* whose turn it is in the stream */
    bool ended;             /* the stream's last byte was written */
};

/* A generation with `prompt_count` empty prompts, for the endpoint to fill; options are taken from `fields`. NULL with
 * `error` filled. */
struct generation *generation_create(struct service *service, const struct served_model *model, enum endpoint endpoint,
                                     const struct request_fields *fields, uint32_t prompt_count, struct api_error *error);
/* Cancels what still runs. NULL is allowed. */
void generation_destroy(struct generation *generation);

/* Submits one request per prompt: all of them or, with `error` filled, none. */
bool generation_start(struct generation *generation, const struct request_fields *fields, struct api_error *error);

bool generation_finished(const struct generation *generation);
/* For a stream: whether there is something new to write. Any thread, while nobody writes. */
bool generation_has_news(const struct generation *generation);

/* Appends events of what is new, up to a bound beyond which there is still news; sets `ended` with the last. False: no
 * memory. */
bool generation_write_stream(struct generation *generation, struct json_out *out);
/* Appends the whole answer of a finished generation. False with `error` filled: it failed. */
bool generation_write_reply(struct generation *generation, struct json_out *out, struct api_error *error);

/* ---- answer_size.c ---- */

/* How many tokens one choice of the next prompt may have, from 1, so that the answer stays within its bound. */
uint32_t answer_tokens_max(const struct generation *generation, const struct request_spec *spec, size_t echo_bytes);
/* Counts the prompt's choices in; false with `error` filled: the answer could be larger than its bound. */
bool answer_reserve(struct generation *generation, const struct request_spec *spec, size_t echo_bytes,
                    struct api_error *error);
/* Whether the reply of a finished generation takes more than moments to write. */
bool generation_reply_is_long(const struct generation *generation);

/* ---- choice_write.c ---- */

/* One object of "choices": in a stream what is new of the choice, else all of it. */
void choice_write(const struct generation *generation, struct choice *choice, const struct choice_news *news,
                  struct json_out *out);
void usage_write(const struct generation *generation, struct json_out *out);

/* ---- request_sampling.c ---- */

/* Sampling parameters of `fields` as a request_spec without prompt. `memory` owns what the spec points to. */
struct spec_memory {
    struct step_bias *biases;
    struct token_list stop_ids;
    struct request_bytes *stops;
};
bool request_spec_fill(const struct request_fields *fields, enum endpoint endpoint, const struct engine_limits *limits,
                       struct request_spec *spec, struct spec_memory *memory, struct api_error *error);
void spec_memory_deinit(struct spec_memory *memory);

#endif
