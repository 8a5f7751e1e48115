/* Reads one choice's token log and turns new ids into text: never half a character, never text that may yet become part
 * of a stop string, never the id that ended the answer. What a stream gives out piece by piece is what one read at the
 * end gives at once. */
#ifndef QUIRE_CHOICE_H
#define QUIRE_CHOICE_H

#include "request.h"
#include "tokenizer.h"

#include <stdbool.h>

/* One token with what the answer's logprobs say about it. */
struct token_view {
    struct step_token token;
    bool scored;                   /* false: the first token of a prompt has no log-probability */
    const struct step_token *tops; /* [top_count] */
    uint32_t top_count;
    size_t text_offset;            /* characters of text before this token */
};

struct choice {
    const struct request *request;
    const struct token_log *log;
    uint32_t index; /* in the answer */
    struct detokenizer detokenizer;
    struct text text;         /* decoded and not yet taken */
    uint64_t taken_bytes;     /* decoded text that was taken before */
    size_t characters;        /* in all decoded text, an echoed prompt included */
    struct detokenizer echo_detokenizer; /* of an echoed prompt's tokens, of which `echo_count` have views */
    uint32_t echo_count;
    size_t echo_bytes, echo_characters;  /* of the echoed text, before the next token */
    size_t echo_held;         /* bytes at the end of it that echo_detokenizer still holds back */
    uint32_t seen_count, seen_finish; /* the log at the last look */
    uint32_t read_count;      /* tokens that were looked at */
    bool role_sent, started, finished; /* the writer's: chat's role event, the first and the last event are out */
    struct token_view *views; /* of what is new; choice_advance appends, the writer empties */
    size_t view_count, view_max;
};

void choice_init(struct choice *choice, const struct request *request, uint32_t log_index, uint32_t index,
                 const struct tokenizer *tokenizer);
void choice_deinit(struct choice *choice);

/* Whether the log has something that the last advance did not see. Any thread, while nobody advances. */
bool choice_has_news(const struct choice *choice);

struct choice_news {
    uint32_t token_start, token_count; /* entries of the log that are new */
    size_t text_bytes;                 /* so many bytes of choice->text may be given out now */
    enum finish_reason finish;
};

/* Decodes what is new, at most `token_max` tokens (at least 2) of it: the rest stays news. With `views` also appends
 * one view per new token to choice->views. False: no memory. */
bool choice_advance(struct choice *choice, bool views, uint32_t token_max, struct choice_news *news);
/* Releases the memory of the views. */
void choice_forget_views(struct choice *choice);
/* Removes the text that the last advance reported. */
void choice_take(struct choice *choice, const struct choice_news *news);

/* Appends views of the next `token_max` tokens of the prompt (scored prompts only), whose offsets are those of their
 * text in `echo`, the prompt as it is echoed. False: no memory. */
bool choice_view_prompt(struct choice *choice, const struct text *echo, uint32_t token_max);

#endif
