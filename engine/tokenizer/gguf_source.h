/* What the loaders of a GGUF file's tokenizer share. Private to tokenizer_gguf.c and gguf_kinds.c. */
#ifndef QUIRE_GGUF_SOURCE_H
#define QUIRE_GGUF_SOURCE_H

#include "gguf.h"
#include "state.h"

#define KEY(name) "tokenizer.ggml." name

enum token_type { TYPE_NORMAL = 1, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_USER_DEFINED, TYPE_UNUSED, TYPE_BYTE };

/* One load in progress. */
struct gguf_source {
    const struct gguf *file;
    struct tokenizer *tokenizer;
    struct quire_error *error;
    const struct gguf_value *tokens, *types, *scores; /* types and scores may be NULL */
    bool marks_words; /* U+2581 begins the pieces that begin words (model "bert") */
};

/* Ids that stand around or end a text; TOKEN_NONE where the file names none. */
struct special_ids {
    uint32_t bos, eos, eot, cls, sep;
};
#define SPECIAL_IDS_NONE {TOKEN_NONE, TOKEN_NONE, TOKEN_NONE, TOKEN_NONE, TOKEN_NONE}

/* "PATH: KEY SENTENCE" */
QUIRE_NODISCARD enum quire_status gguf_source_bad(const struct gguf_source *source, const char *key,
                                                  const char *sentence);
QUIRE_NODISCARD enum quire_status gguf_source_no_memory(const struct gguf_source *source);
/* An absent key leaves *out as it is. */
QUIRE_NODISCARD enum quire_status gguf_flag_get(const struct gguf_source *source, const char *key, bool *out);
int gguf_token_type(const struct gguf_source *source, uint32_t id);
/* Special tokens and the ids that end a generation; *ids holds the defaults. */
QUIRE_NODISCARD enum quire_status gguf_specials_load(const struct gguf_source *source, struct special_ids *ids);

/* gguf_kinds.c: what tokenizer.ggml.model says, once vocabulary and templates are there. */
QUIRE_NODISCARD enum quire_status gguf_kind_load(const struct gguf_source *source, struct gguf_string name);

#endif
