/* Text to token ids and back. Immutable after load, so any thread may use one tokenizer at once.
 * Loaded from a Hugging Face directory (tokenizer.json, tokenizer_config.json, generation_config.json, config.json) or from
 * the metadata of a GGUF file. */
#ifndef QUIRE_TOKENIZER_H
#define QUIRE_TOKENIZER_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_NONE UINT32_MAX

struct tokenizer;

/* `model_path` is a directory or a .gguf file. Errors name the file and the field. */
QUIRE_NODISCARD enum quire_status tokenizer_open(const char *model_path, struct tokenizer **out,
                                                 struct quire_error *error);
void tokenizer_close(struct tokenizer *tokenizer); /* NULL is allowed */

/* Highest id + 1; the model's output may be wider (padding). */
uint32_t tokenizer_vocab_size(const struct tokenizer *tokenizer);
uint32_t tokenizer_bos(const struct tokenizer *tokenizer);    /* TOKEN_NONE where the model has none */
/* Ids that end a generation: generation_config.json's eos_token_id (one or a list), else config.json's, and
 * in any case tokenizer_config.json's eos_token; or the GGUF's eos and eot ids. Never NULL; `count` may be 0. */
const uint32_t *tokenizer_eos(const struct tokenizer *tokenizer, uint32_t *count);
bool tokenizer_is_special(const struct tokenizer *tokenizer, uint32_t id);
/* The vocabulary's own spelling of a token (as in tokenizer.json or the GGUF list), NUL terminated; NULL for an id without. */
const char *tokenizer_spelling(const struct tokenizer *tokenizer, uint32_t id);
/* Text of a named special token ("bos_token", "eos_token", "unk_token", "pad_token", ...), NULL where unset: for templates. */
const char *tokenizer_special_text(const struct tokenizer *tokenizer, const char *name);
/* Chat template `name` (NULL: the default one), NULL where the model has none. */
const char *tokenizer_chat_template(const struct tokenizer *tokenizer, const char *name);

/* A growing list of ids. Zero-initialise; release with token_list_deinit. */
struct token_list {
    uint32_t *ids;
    size_t count, count_max;
};
void token_list_deinit(struct token_list *list);

/* A piece of text that comes either from the template (trusted: the spelling of a special token in it becomes that
 * token) or from a request (not trusted: it stays plain text). Runs are cut into words as one continuous text. */
struct text_run {
    const char *text;
    size_t text_bytes;
    bool trusted;
};

/* Appends the ids of `runs` to `out`. `add_special` lets the model's post-processor add its BOS, EOS, CLS ...
 * QUIRE_INVALID for invalid UTF-8 (names the byte offset), QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status tokenizer_encode(const struct tokenizer *tokenizer, const struct text_run *runs,
                                                   size_t run_count, bool add_special, struct token_list *out,
                                                   struct quire_error *error);

/* A growing text. Zero-initialise; release with text_deinit. `bytes` may be NULL while `count` is 0; not terminated. */
struct text {
    char *bytes;
    size_t count, count_max;
    size_t bound; /* to grow beyond this count is QUIRE_NO_MEMORY; 0: no bound */
};
void text_deinit(struct text *text);
QUIRE_NODISCARD enum quire_status text_append(struct text *text, const char *bytes, size_t count);

/* Decodes one token at a time; holds back what is not certain yet: an unfinished UTF-8 character, a run of byte tokens.
 * The concatenation of all that it gives out, detokenizer_finish included, equals tokenizer_decode of all the ids.
 * Small, and copyable (a fork copies it) where `all` is empty: only decoders that can tell nothing before the end, which
 * no known model has, fill it, and it needs detokenizer_deinit where detokenizer_finish may not be reached. */
struct detokenizer {
    const struct tokenizer *tokenizer;
    bool skip_special;
    bool at_start;          /* nothing decoded yet: some decoders treat the first token or leading spaces in their own way */
    bool begun;             /* a token has been given out */
    unsigned char pending_count;
    char pending[96];       /* bytes of an unfinished character, or of a run of byte tokens */
    uint32_t previous;      /* the token before, which some decoders hold back; TOKEN_NONE at first */
    uint32_t stripped, held; /* characters dropped at the start; held back because the end would drop them */
    struct token_list all;
};
void detokenizer_init(struct detokenizer *state, const struct tokenizer *tokenizer, bool skip_special);
void detokenizer_deinit(struct detokenizer *state);
/* Appends the text that became certain with `id`. Invalid UTF-8 becomes U+FFFD as in the reference. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status detokenizer_feed(struct detokenizer *state, uint32_t id, struct text *out);
QUIRE_NODISCARD enum quire_status detokenizer_finish(struct detokenizer *state, struct text *out);
/* Appends the whole characters of a run of byte tokens that is held back. They are not certain: Hugging Face's tokenizers
 * show a run with a bad byte as U+FFFD throughout. But they tell where tokens begin, and stop strings that end in them. */
QUIRE_NODISCARD enum quire_status detokenizer_foresee(const struct detokenizer *state, struct text *out);

/* The text of `count` ids at once, appended to `out`. */
QUIRE_NODISCARD enum quire_status tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t count,
                                                   bool skip_special, struct text *out);
/* The bytes that one token stands for on its own (byte-level BPE decoded, "▁" as a space): for logprobs' `bytes`. */
QUIRE_NODISCARD enum quire_status tokenizer_token_bytes(const struct tokenizer *tokenizer, uint32_t id, struct text *out);

#endif
