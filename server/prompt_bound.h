/* Refuses prompts that are far too long before they are tokenized. */
#ifndef QUIRE_PROMPT_BOUND_H
#define QUIRE_PROMPT_BOUND_H

#include "api_error.h"
#include "service.h"

/* Most bytes of text that one token stands for; 0: this tokenizer has no such bound. */
uint32_t prompt_bound_probe(const struct tokenizer *tokenizer);
/* False with `error` filled: a text of so many bytes cannot fit the model's context. */
bool prompt_bound_check(const struct served_model *model, size_t bytes, const char *param, struct api_error *error);

#endif
