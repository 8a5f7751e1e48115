/* How large an answer may become, told before any of it is computed: a body of some kilobytes can ask for gigabytes of
 * log-probabilities. The figures are what a token usually takes in JSON; they are above what it takes in its log, so
 * that the bound on the answer bounds the logs' memory too. Pure; any thread. */
#include "generation.h"

#define ANSWER_BYTES_MAX (64u << 20)
#define REPLY_LONG_BYTES (64u << 10)

#define TEXT_BYTES 8u   /* of a token's text */
#define ID_BYTES 7u     /* of its id, where ids are returned */
static const struct {
    uint32_t token, alternative; /* of what logprobs say of it */
} entry_bytes[] = {[ENDPOINT_COMPLETIONS] = {40, 24}, [ENDPOINT_CHAT] = {96, 64}};

static uint64_t logprobs_bytes(const struct generation *generation, const struct request_spec *spec)
{
    uint64_t token = entry_bytes[generation->endpoint].token;
    uint64_t alternative = entry_bytes[generation->endpoint].alternative;

    return generation->logprobs ? token + alternative * spec->top_count : 0;
}

/* Of one token of the answer. */
static uint64_t token_bytes(const struct generation *generation, const struct request_spec *spec)
{
    return TEXT_BYTES + (generation->return_token_ids ? ID_BYTES : 0) + logprobs_bytes(generation, spec);
}

/* Of what a choice repeats of its prompt. */
static uint64_t prompt_bytes(const struct generation *generation, const struct request_spec *spec, size_t echo_bytes)
{
    uint64_t each = (generation->return_token_ids ? ID_BYTES : 0) +
                    (generation->echo ? logprobs_bytes(generation, spec) : 0);

    return echo_bytes + each * spec->prompt_tokens;
}

uint32_t answer_tokens_max(const struct generation *generation, const struct request_spec *spec, size_t echo_bytes)
{
    uint64_t used = generation->answer_bytes + spec->choice_count * prompt_bytes(generation, spec, echo_bytes);
    uint64_t each = spec->choice_count * token_bytes(generation, spec);

    return used + each > ANSWER_BYTES_MAX ? 1 : (uint32_t)((ANSWER_BYTES_MAX - used) / each);
}

bool answer_reserve(struct generation *generation, const struct request_spec *spec, size_t echo_bytes,
                    struct api_error *error)
{
    uint64_t bytes = spec->choice_count *
                     (prompt_bytes(generation, spec, echo_bytes) + spec->token_max * token_bytes(generation, spec));
    const char *param = spec->choice_count > 1 ? "n"
                        : generation->logprobs ? generation->endpoint == ENDPOINT_CHAT ? "top_logprobs" : "logprobs"
                        : generation->echo     ? "echo"
                                               : "max_tokens";

    generation->answer_bytes += bytes;
    if (generation->answer_bytes <= ANSWER_BYTES_MAX)
        return true;
    return api_fail(error, ERROR_INVALID_VALUE, param,
                    "the answer could have some %llu MiB, but at most %u are sent: %u prompts, n %u, up to %u tokens each "
                    "after %u of the prompt%s%s, with %u alternatives; ask for less n, max_tokens, logprobs or echo",
                    (unsigned long long)(generation->answer_bytes >> 20), ANSWER_BYTES_MAX >> 20,
                    generation->prompt_count, spec->choice_count, spec->token_max, spec->prompt_tokens,
                    generation->echo ? ", echo" : "", generation->logprobs ? ", logprobs" : "", spec->top_count);
}

bool generation_reply_is_long(const struct generation *generation)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < generation->prompt_count; i++) {
        const struct request_spec *spec = &generation->prompts[i].request->spec;
        bytes += spec->choice_count * prompt_bytes(generation, spec, generation->prompts[i].text.count);
    }
    for (uint32_t i = 0; i < generation->choice_count; i++) {
        const struct choice *choice = &generation->choices[i];
        bytes += atomic_load(&choice->log->count) * token_bytes(generation, &choice->request->spec);
    }
    return bytes > REPLY_LONG_BYTES;
}
