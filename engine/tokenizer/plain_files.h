/* What a folder may hold in place of a tokenizer.json: SentencePiece models, tiktoken ranks, tekken.json,
 * vocab.json with merges.txt, vocab.txt. */
#ifndef QUIRE_PLAIN_FILES_H
#define QUIRE_PLAIN_FILES_H

#include "state.h"

#include <jansson.h>

/* Each fills vocabulary, model, decoder and special tokens from a file's bytes: `path` is for error sentences. `folder`
 * holds the configurations beside it; NULL: there are none. QUIRE_BAD_FILE, QUIRE_UNSUPPORTED, QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status sentencepiece_file_load(struct tokenizer *tokenizer, const char *path,
                                                          const char *folder, const struct text *bytes,
                                                          struct quire_error *error);
QUIRE_NODISCARD enum quire_status rank_file_load(struct tokenizer *tokenizer, const char *path, const char *folder,
                                                 const struct text *bytes, struct quire_error *error);

/* Mistral's tekken.json. QUIRE_NOT_FOUND. */
QUIRE_NODISCARD enum quire_status tekken_file_load(struct tokenizer *tokenizer, const char *folder,
                                                   struct quire_error *error);

/* For files of ranks: adds the piece that `base64` holds (QUIRE_BAD_FILE where it is none; *bytes and *spelling are
 * scratch); once all are there, makes the model, which merges what gives the lowest id first. */
QUIRE_NODISCARD enum quire_status rank_piece_add(struct tokenizer *tokenizer, uint32_t id, const char *base64,
                                                 size_t count, struct text *bytes, struct text *spelling);
QUIRE_NODISCARD enum quire_status rank_model_prepare(struct tokenizer *tokenizer);

/* The same from vocab.json with merges.txt, or vocab.txt; *file gets the vocabulary's name. QUIRE_NOT_FOUND. */
QUIRE_NODISCARD enum quire_status folder_class_load(struct tokenizer *tokenizer, const char *folder, const char **file,
                                                    struct quire_error *error);
/* added_tokens.json, {"token": id}, which counts where tokenizer_config.json lists no tokens. */
QUIRE_NODISCARD enum quire_status legacy_added_load(struct tokenizer *tokenizer, const char *folder,
                                                    const json_t *config, struct quire_error *error);

#endif
