/* What a request must answer: computed from its tokens alone, with no block, no batch and no scheduler. */
#ifndef ALONE_H
#define ALONE_H

#include "fake_engine.h"
#include "fake_tokenizer.h"

#define ALONE_TOKENS_MAX 64u
#define ALONE_TOP_MAX 3u

struct alone_answer { /* of one choice; fixed room keeps it simple */
    struct step_output outputs[ALONE_TOKENS_MAX];
    struct step_token tops[ALONE_TOKENS_MAX][ALONE_TOP_MAX];
    uint32_t count;
    enum finish_reason finish;
    uint32_t stop_token, stop_index;
    uint64_t text_final_bytes;
    uint64_t text_bytes; /* where the text ends, whatever ended it */
};

void alone_run(const struct engine_limits *limits, const struct tokenizer *tokenizer, const struct request_spec *spec,
               uint32_t choice, struct alone_answer *out);
/* The score of prompt[i] for i >= 1. */
void alone_scores(const struct engine_limits *limits, const struct request_spec *spec, struct step_output *outputs,
                  struct step_token *tops);

#endif
