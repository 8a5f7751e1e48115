/* The parts of a loaded tokenizer, in the order in which text passes through them. The loaders fill it, nothing changes
 * it afterwards. */
#ifndef QUIRE_TOKENIZER_STATE_H
#define QUIRE_TOKENIZER_STATE_H

#include "added.h"
#include "decode.h"
#include "model.h"
#include "normalise.h"
#include "split.h"

/* Names to texts: special tokens for templates, chat templates. */
struct name_list {
    struct name {
        struct text name, text; /* both NUL terminated */
    } *names;
    size_t count, count_max;
};

struct tokenizer {
    struct vocabulary vocabulary;
    struct added_list added; /* looked for in the text as it came */
    struct normaliser_list normalisers;
    struct added_list added_normalised; /* looked for in normalised text */
    struct splitter_list splitters;
    struct word_model model;
    bool has_processor; /* tokenizer.json says what the frames are */
    struct token_list frames[2]; /* what stands around the ids of a text, TOKEN_NONE: without and with add_special */
    struct decoder decoder;

    uint32_t bos;
    struct token_list eos;
    struct name_list specials, templates;
};

void name_list_deinit(struct name_list *list);
/* Sets `name`, replacing what was there. */
QUIRE_NODISCARD enum quire_status name_list_set(struct name_list *list, const char *name, const char *text,
                                                size_t count);
/* NULL where unset. */
const char *name_list_get(const struct name_list *list, const char *name);

/* Notes an added token: its spelling in the vocabulary, its flags, and the list where it is looked for, in place of
 * what was noted for its id before. The content of a normalised token still has to pass the normalizers
 * (tokenizer_complete does that). */
QUIRE_NODISCARD enum quire_status tokenizer_add(struct tokenizer *tokenizer, const struct added_token *token);
/* Lets skip_special leave out an added token, whatever its own flags say. */
void tokenizer_make_special(struct tokenizer *tokenizer, uint32_t id);
/* Lets add_special put one id on each side, or none where that is TOKEN_NONE. */
QUIRE_NODISCARD enum quire_status tokenizer_set_frame(struct tokenizer *tokenizer, uint32_t before, uint32_t after);
/* After a loader has filled everything: model, decoder and added tokens are made ready. */
QUIRE_NODISCARD enum quire_status tokenizer_complete(struct tokenizer *tokenizer, struct quire_error *error);

/* The sources. Each fills a zeroed tokenizer; on failure the caller closes it. */
QUIRE_NODISCARD enum quire_status tokenizer_load_folder(struct tokenizer *tokenizer, const char *folder,
                                                        struct quire_error *error);
/* A SentencePiece model or tiktoken ranks. */
QUIRE_NODISCARD enum quire_status tokenizer_load_file(struct tokenizer *tokenizer, const char *path,
                                                      struct quire_error *error);
QUIRE_NODISCARD enum quire_status tokenizer_load_gguf(struct tokenizer *tokenizer, const char *path,
                                                      struct quire_error *error);

#endif
