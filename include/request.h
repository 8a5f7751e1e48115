/* An immutable request and its append-only answer. Implemented in scheduler/request.c.
 *
 * The server builds a request, submits it, and reads its logs while the step thread appends. Two references: the HTTP side
 * and the scheduler; the last request_unref frees. Nothing but `cancelled`, `state` and the logs changes after submission.
 * All memory is allocated at creation: a log is one zeroed mapping of max_tokens entries whose untouched pages cost
 * nothing, so that the step loop never allocates. */
#ifndef QUIRE_REQUEST_H
#define QUIRE_REQUEST_H

#include "status.h"
#include "token.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_ID_BYTES 64u
#define REQUEST_CHOICES_MAX 128u

enum finish_reason {
    FINISH_NONE = 0,  /* still running */
    FINISH_STOP,      /* end-of-sequence token, stop token or stop string */
    FINISH_LENGTH,    /* max_tokens reached */
    FINISH_CANCELLED, /* the client left or the request was aborted */
    FINISH_ERROR,     /* the engine failed */
};

struct request_bytes { /* a string with its length; not terminated */
    const char *bytes;
    size_t count;
};

/* What the server fills in. request_create copies everything that is pointed to. */
struct request_spec {
    const char *id; /* "cmpl-..." for logs */
    const uint32_t *prompt;
    uint32_t prompt_tokens; /* >= 1 */
    uint32_t choice_count;  /* n, >= 1 */
    uint32_t token_max;     /* output tokens, 0 only with prompt_scores */
    /* None of so many first tokens is an eos or stop id, and a stop string that ends in their text does not count; one that
     * begins there and ends in a later token's text does (as in vLLM). */
    uint32_t token_min;
    uint64_t seed;
    float temperature, top_p, min_p;
    uint32_t top_k; /* 0: off */
    float presence_penalty, frequency_penalty, repetition_penalty;
    bool logprobs;          /* report log-probabilities of the output tokens */
    uint32_t top_count;     /* and so many alternatives of each */
    bool prompt_scores;     /* score the prompt's tokens (echo with logprobs); then no prefix hit is used */
    bool ignore_eos;
    const struct step_bias *biases;
    uint32_t bias_count;
    const uint32_t *stop_ids; /* besides the model's own eos ids */
    uint32_t stop_id_count;
    const struct request_bytes *stops; /* stop strings, each at least one byte */
    uint32_t stop_count;
    struct request_bytes cache_salt; /* sequences share prefixes only under equal salts; a request keeps its digest only */
    bool skip_special;               /* text for stop strings leaves special tokens out */
};

/* The answer of one choice. One writer (the step thread), any readers. A reader loads `finish` (acquire), then `count`
 * (acquire), then may read that many entries, their tops and `text_safe_bytes`. */
struct token_log {
    struct step_token *entries; /* [token_max] */
    uint32_t *ranks;            /* [token_max], NULL unless logprobs */
    struct step_token *tops;    /* [token_max * top_count], NULL when top_count is 0 */
    _Atomic uint32_t count;     /* entries readable */
    _Atomic uint64_t text_safe_bytes; /* with stop strings: so many bytes of the decoded text can no longer become part
                                         of a stop string. Without: not used. Never decreases. */
    /* The decoded text is that of a continuation: detokenizer_init, then at_start = false, so that an answer's first space
     * is kept. Both sides count its bytes that way. */
    _Atomic uint32_t finish;          /* enum finish_reason, stored after the last entry */
    /* Valid once finish is set: */
    uint64_t text_final_bytes; /* the text ends here (before the stop string); UINT64_MAX: the whole decoded text */
    uint32_t stop_token;       /* the stop id that ended it, STEP_NO_TOKEN else; an ending eos or stop id is an entry of the
                                  log but not part of the text */
    uint32_t stop_index;       /* which stop string ended it, UINT32_MAX else */
};

struct request {
    struct request_spec spec; /* its pointers lead into this request */
    char id[REQUEST_ID_BYTES];
    uint64_t arrival_ns; /* CLOCK_MONOTONIC at creation */
    _Atomic uint32_t reference_count;
    _Atomic bool cancelled;            /* set by scheduler_cancel; the step thread acts on it within one step */
    _Atomic uint32_t cached_tokens;    /* prompt tokens that came from the cache */
    struct token_log *logs;            /* [choice_count] */
    struct step_output *prompt_outputs; /* [prompt_tokens], entry i scores prompt[i]; entry 0 is unused. NULL unless scored */
    struct step_token *prompt_tops;     /* [prompt_tokens * top_count] */
    struct quire_error failure;         /* valid where a finish is FINISH_ERROR */
    void *owner;                        /* the server's; the scheduler never looks at it */
    void *next;                         /* the scheduler's: submission queue */
};

/* QUIRE_NO_MEMORY, QUIRE_INVALID (counts out of range). The result has one reference. */
QUIRE_NODISCARD enum quire_status request_create(const struct request_spec *spec, struct request **out,
                                                 struct quire_error *error);
struct request *request_ref(struct request *request);
void request_unref(struct request *request); /* NULL is allowed */

/* True when every choice has a finish. */
bool request_finished(const struct request *request);

#endif
