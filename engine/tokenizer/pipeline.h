/* Pipelines that no file spells out: written here as a tokenizer.json would have them. */
#ifndef QUIRE_PIPELINE_H
#define QUIRE_PIPELINE_H

#include "state.h"

/* Adds the steps of "normalizer", "pre_tokenizer" and "decoder" in `json`, an object of ours. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status pipeline_load(struct tokenizer *tokenizer, const char *json,
                                                struct quire_error *error);

#endif
