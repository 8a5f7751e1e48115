/* JSON files of a model folder and typed access to their fields, with errors that name file and field. */
#ifndef QUIRE_JSON_SOURCE_H
#define QUIRE_JSON_SOURCE_H

#include "state.h"

#include <jansson.h>

/* Appends a file's bytes. QUIRE_NOT_FOUND, QUIRE_IO, QUIRE_BAD_FILE. */
QUIRE_NODISCARD enum quire_status path_text_load(const char *path, struct text *out, struct quire_error *error);
/* Reads folder/name. QUIRE_NOT_FOUND, QUIRE_IO, QUIRE_BAD_FILE. */
QUIRE_NODISCARD enum quire_status folder_text_load(const char *folder, const char *name, struct text *out,
                                                   struct quire_error *error);
/* The same, parsed; the root is an object. An absent file gives QUIRE_OK and NULL unless `required`. */
QUIRE_NODISCARD enum quire_status folder_json_load(const char *folder, const char *name, bool required, json_t **out,
                                                   struct quire_error *error);

/* Where a loader is: for error sentences. */
struct json_source {
    const char *folder, *file;
    struct quire_error *error;
};
/* Fails with QUIRE_BAD_FILE: "folder/file: <sentence>". */
QUIRE_NODISCARD QUIRE_PRINTF(2, 3) enum quire_status
    json_bad(const struct json_source *source, const char *format, ...);

/* A field's value; the default where it is missing or of another type. */
bool json_bool(const json_t *object, const char *name, bool otherwise);
/* A whole number from 0 to max; false for anything else. Files are parsed with every number as a double, because
 * tokenizer_config.json likes to hold 1e30 written out in digits. */
bool json_whole(const json_t *value, uint64_t max, uint64_t *out);
/* NULL where it is no string; *count (may be NULL) gets its bytes, which may include NUL. */
const char *json_text(const json_t *object, const char *name, size_t *count);

/* Whether an object is of a type: by its "type", or, where it has none, by a field that only this type has (or NULL).
 * */
bool json_is_kind(const json_t *object, const char *type, const char *field);
/* Fails with QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status json_no_memory(const struct json_source *source);
/* "pattern": {"String": "..."} or {"Regex": "..."}, or a bare string. */
QUIRE_NODISCARD enum quire_status json_pattern_load(const struct json_source *source, const json_t *object,
                                                    struct pattern **out);
/* The string field `name`, `otherwise` where it is missing; NULL there makes it required. */
QUIRE_NODISCARD enum quire_status json_content_load(const struct json_source *source, const json_t *object,
                                                    const char *name, const char *otherwise, struct text *out);
/* Calls `load` for `value`, or, where its type is Sequence, for each of its `members` in order, nested ones included.
 */
typedef enum quire_status json_step_load(const struct json_source *source, const json_t *value, void *out);
QUIRE_NODISCARD enum quire_status json_sequence_load(const struct json_source *source, const json_t *value,
                                                     const char *members, json_step_load *load, void *out);

/* json_normalise.c, json_split.c, json_decode.c: the fields of a tokenizer.json; NULL and null are empty. */
QUIRE_NODISCARD enum quire_status json_normalisers_load(const struct json_source *source, const json_t *value,
                                                        struct normaliser_list *out);
QUIRE_NODISCARD enum quire_status json_splitters_load(const struct json_source *source, const json_t *value,
                                                      struct splitter_list *out);
QUIRE_NODISCARD enum quire_status json_decoder_load(const struct json_source *source, const json_t *value,
                                                    struct decoder *out);
/* json_types.c: whether each known field of a tokenizer.json has the type that it must have. */
QUIRE_NODISCARD enum quire_status json_types_check(const struct json_source *source, const json_t *root);
/* json_model.c: the "model", in two parts: the words of the vocabulary, and, once the tokens that plain text must not
 * become are marked, the model over them. */
QUIRE_NODISCARD enum quire_status json_vocabulary_load(const struct json_source *source, const json_t *value,
                                                       struct vocabulary *out);
QUIRE_NODISCARD enum quire_status json_model_load(const struct json_source *source, const json_t *value,
                                                  struct word_model *model);
/* tokenizer_json.c: all of a tokenizer.json but the model's merges and scores, for which json_model_load is called once
 * the special tokens are known. */
QUIRE_NODISCARD enum quire_status json_tokenizer_load(const struct json_source *source, const json_t *root,
                                                      struct tokenizer *tokenizer);
/* tokenizer_json.c: notes an added token, given as an object or, with the usual flags, by its content; in place of what
 * was noted for it before. *next is the id of one that is new, moved on then; without `next`, new ones do not count. */
QUIRE_NODISCARD enum quire_status json_added_load(const struct json_source *source, const json_t *value, bool special,
                                                  uint64_t *next, struct tokenizer *tokenizer);
/* special.c: tokenizer_config.json and the files beside it. */
QUIRE_NODISCARD enum quire_status specials_load(struct tokenizer *tokenizer, const char *folder,
                                                struct quire_error *error);

#endif
