/* `quire bench tokenize`: how fast text becomes tokens, tokens become text, and messages become a prompt. */
#ifndef QUIRE_BENCH_TEXT_H
#define QUIRE_BENCH_TEXT_H

#include "config.h"

/* Measures the model's tokenizer and chat template on one thread: 1 MB each of English, Chinese and code (or the file that
 * config->file names), 1 MB of one letter, the same English back again token by token, and a chat of 50 turns with tools.
 * Medians of five readings, to standard output, as text or JSON. Fails as tokenizer_open and template files do. */
QUIRE_NODISCARD enum quire_status command_bench_tokenize(struct config *config, struct quire_error *error);

#endif
