/* A request's answer by definition (alone.h): plain loops over plain arrays, nothing shared with scheduler/. */
#include "alone.h"

#include <assert.h>
#include <string.h>

#define LENGTH_MAX 1024u

struct chain { /* what the slots of each group hold for the tokens so far */
    uint64_t slot[STEP_GROUPS_MAX][LENGTH_MAX];
    uint32_t token[LENGTH_MAX];
    uint32_t length;
};

static void chain_append(struct chain *chain, const struct engine_limits *limits, uint32_t token)
{
    uint32_t at = chain->length++;

    assert(at < LENGTH_MAX);
    chain->token[at] = token;
    for (uint32_t g = 0; g < limits->group_count; g++)
        chain->slot[g][at] = fake_slot(g, at == 0 ? 0 : chain->slot[g][at - 1], token, at);
}

/* All that the last token sees. */
static uint64_t chain_digest(const struct chain *chain, const struct engine_limits *limits)
{
    uint64_t digest = 0;

    for (uint32_t g = 0; g < limits->group_count; g++) {
        uint32_t window = limits->group[g].window_tokens;

        for (uint32_t i = 0; i < chain->length; i++) {
            if (window == 0 || chain->length - i <= window)
                digest = fake_digest(digest, chain->slot[g][i]);
        }
    }
    return digest;
}

static bool is_one_of(uint32_t id, const uint32_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

static void draw(const struct engine_limits *limits, const struct tokenizer *tokenizer, const struct request_spec *spec,
                 uint32_t choice, const struct chain *chain, struct alone_answer *out)
{
    static struct step_bias biases[REQUEST_BIASES_MAX + REQUEST_STOP_IDS_MAX + 8];
    bool penalties = spec->presence_penalty != 0 || spec->frequency_penalty != 0 || spec->repetition_penalty != 1;
    struct step_sample sample = {
        .kind = STEP_SAMPLE, .top_count = spec->top_count, .seed = spec->seed, .choice = choice,
        .position = chain->length,
        .temperature = spec->temperature, .top_p = spec->top_p, .min_p = spec->min_p, .top_k = spec->top_k,
        .presence_penalty = spec->presence_penalty, .frequency_penalty = spec->frequency_penalty,
        .repetition_penalty = spec->repetition_penalty,
        .history_prompt = penalties ? spec->prompt_tokens : 0, .history_output = penalties ? out->count : 0,
    };
    uint32_t n = 0;

    for (uint32_t i = 0; i < spec->bias_count; i++)
        biases[n++] = spec->biases[i];
    for (uint32_t id = 0; out->count < spec->token_min && id < limits->vocab_size; id++) {
        if (is_one_of(id, spec->stop_ids, spec->stop_id_count) ||
            (!spec->ignore_eos && is_one_of(id, tokenizer->eos, tokenizer->eos_count)))
            biases[n++] = (struct step_bias){.id = id, .value = -__builtin_inff()};
    }
    sample.bias_count = n;
    fake_draw(limits, &sample, chain_digest(chain, limits), biases, chain->token, &out->outputs[out->count],
              out->tops[out->count]);
    out->count++;
}

/* Goes through the new bytes one by one; every stop string is looked for at every end, naively. */
static bool text_grows(const struct request_spec *spec, char *text, struct alone_answer *out, const char *piece)
{
    bool armed = out->count > spec->token_min;

    for (; *piece != '\0'; piece++) {
        size_t complete = 0;

        text[out->text_bytes++] = *piece;
        for (uint32_t s = 0; s < spec->stop_count && armed && complete == 0; s++) {
            size_t count = spec->stops[s].count;

            if (count <= out->text_bytes &&
                memcmp(text + out->text_bytes - count, spec->stops[s].bytes, count) == 0) {
                complete = count;
                out->stop_index = s;
            }
        }
        if (complete > 0) {
            out->text_bytes -= complete;
            out->text_final_bytes = out->text_bytes;
            out->finish = FINISH_STOP;
            return true;
        }
    }
    return false;
}

void alone_run(const struct engine_limits *limits, const struct tokenizer *tokenizer, const struct request_spec *spec,
               uint32_t choice, struct alone_answer *out)
{
    static struct chain chain;
    char text[4096];
    const char *tail = "", *before;

    *out = (struct alone_answer){.stop_token = STEP_NO_TOKEN, .stop_index = UINT32_MAX, .text_final_bytes = UINT64_MAX};
    chain.length = 0;
    for (uint32_t i = 0; i < spec->prompt_tokens; i++)
        chain_append(&chain, limits, spec->prompt[i]);
    if (spec->token_max == 0)
        out->finish = FINISH_LENGTH;
    while (out->finish == FINISH_NONE) {
        uint32_t id;

        draw(limits, tokenizer, spec, choice, &chain, out);
        id = out->outputs[out->count - 1].token.id;
        chain_append(&chain, limits, id);
        if (is_one_of(id, spec->stop_ids, spec->stop_id_count) ||
            (!spec->ignore_eos && is_one_of(id, tokenizer->eos, tokenizer->eos_count))) {
            if (out->count > spec->token_min) {
                out->finish = FINISH_STOP;
                out->stop_token = id;
                (void)text_grows(spec, text, out, tail);
                return;
            }
        }
        before = tail;
        const char *piece = fake_piece(id, spec->skip_special, &tail);
        if (text_grows(spec, text, out, before) || text_grows(spec, text, out, piece))
            return;
        if (out->count == spec->token_max && !text_grows(spec, text, out, tail))
            out->finish = FINISH_LENGTH;
    }
}

void alone_scores(const struct engine_limits *limits, const struct request_spec *spec, struct step_output *outputs,
                  struct step_token *tops)
{
    static struct chain chain;

    chain.length = 0;
    for (uint32_t i = 0; i + 1 < spec->prompt_tokens; i++) {
        struct step_sample sample = {.kind = STEP_SCORE, .target = spec->prompt[i + 1], .top_count = spec->top_count};

        chain_append(&chain, limits, spec->prompt[i]);
        fake_draw(limits, &sample, chain_digest(&chain, limits), NULL, NULL, &outputs[i + 1],
                  tops + (size_t)(i + 1) * spec->top_count);
    }
}
