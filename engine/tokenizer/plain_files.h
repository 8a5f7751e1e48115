/* Files that hold a vocabulary and little else: SentencePiece models, tiktoken ranks, GPT-2's vocab.json with
 * merges.txt. */
#ifndef QUIRE_PLAIN_FILES_H
#define QUIRE_PLAIN_FILES_H

#include "state.h"

/* Fills vocabulary, model and decoder from a file's bytes: a SentencePiece model, or tiktoken's lines of base64 and
 * rank. `path` is for error sentences and, for ranks, tells which expressions go with them. Specials that the file
 * names are set. QUIRE_BAD_FILE, QUIRE_UNSUPPORTED, QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status plain_file_load(struct tokenizer *tokenizer, const char *path,
                                                  const struct text *bytes, struct quire_error *error);
QUIRE_NODISCARD enum quire_status sentencepiece_file_load(struct tokenizer *tokenizer, const char *path,
                                                          const struct text *bytes, struct quire_error *error);
QUIRE_NODISCARD enum quire_status rank_file_load(struct tokenizer *tokenizer, const char *path,
                                                 const struct text *bytes, struct quire_error *error);

#endif
