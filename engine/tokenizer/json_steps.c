/* Normalizers, pre-tokenizers and decoders of a tokenizer.json. Thread: the loader's. Owner: tokenizer.
 * Every type of Hugging Face's tokenizers is a row of a table; sequences are flattened, for steps run in order anyway. */
#include "charsmap.h"
#include "json_source.h"

#include <string.h>

#define METASPACE "\xE2\x96\x81" /* U+2581 */
/* The expression of GPT-2's encoder.py, which ByteLevel has built in. */
#define GPT2_WORDS "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/* Out of memory has no field to name. */
static enum quire_status no_memory(const struct json_source *source)
{
    return quire_fail(source->error, QUIRE_NO_MEMORY, "no memory left while reading %s/%s", source->folder, source->file);
}

/* {"String": "..."} or {"Regex": "..."}, or a bare string. */
static enum quire_status pattern_load(const struct json_source *source, const json_t *object, struct pattern **out)
{
    const json_t *value = json_object_get(object, "pattern");
    struct quire_error reason;
    size_t count;
    const char *text = json_text(value, "Regex", &count);

    if (text != NULL) {
        enum quire_status status = pattern_compile(text, count, out, &reason);
        return status == QUIRE_OK ? status : json_bad(source, "%s", reason.message);
    }
    text = json_is_string(value) ? json_string_value(value) : json_text(value, "String", NULL);
    count = json_is_string(value) ? json_string_length(value) : json_string_length(json_object_get(value, "String"));
    if (text == NULL)
        return json_bad(source, "%s has no \"pattern\" with a \"String\" or \"Regex\"", json_text(object, "type", NULL));
    return pattern_literal(text, count, out) == QUIRE_OK ? QUIRE_OK : no_memory(source);
}

static enum quire_status content_load(const struct json_source *source, const json_t *object, const char *name,
                                      const char *otherwise, struct text *out)
{
    size_t count = 0;
    const char *text = json_text(object, name, &count);

    if (text == NULL && otherwise == NULL)
        return json_bad(source, "%s has no string \"%s\"", json_text(object, "type", NULL), name);
    if (text == NULL)
        text = otherwise, count = strlen(otherwise);
    return text_append(out, text, count) == QUIRE_OK ? QUIRE_OK : no_memory(source);
}

/* ---- normalizers ----------------------------------------------------------------------------------------------------- */

static enum quire_status add_normaliser(const struct json_source *source, struct normaliser_list *out,
                                        enum normalise_kind kind, unsigned flags)
{
    struct normaliser *step = normaliser_list_add(out, kind);

    if (step == NULL)
        return no_memory(source);
    step->flags = flags;
    return QUIRE_OK;
}

static enum quire_status load_bert(const struct json_source *source, const json_t *value, struct normaliser_list *out)
{
    bool lowercase = json_bool(value, "lowercase", true);
    const struct {
        bool on;
        enum normalise_kind kind;
        unsigned flags;
    } steps[] = {
        {json_bool(value, "clean_text", true), NORMALISE_CLEAN, 0},
        {json_bool(value, "handle_chinese_chars", true), NORMALISE_SPACE_HAN, 0},
        {json_bool(value, "strip_accents", lowercase), NORMALISE_COMPOSE, 0},
        {json_bool(value, "strip_accents", lowercase), NORMALISE_STRIP_MARKS, 0},
        {lowercase, NORMALISE_LOWERCASE, 0},
    };

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i].on && add_normaliser(source, out, steps[i].kind, steps[i].flags) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    return QUIRE_OK;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == '\0' ? NULL : strchr(digits, c);

    return found == NULL ? -1 : (int)(found - digits);
}

static enum quire_status load_charsmap(const struct json_source *source, const json_t *value, struct normaliser *step)
{
    size_t count;
    const char *text = json_text(value, "precompiled_charsmap", &count);
    struct quire_error reason;
    uint32_t bits = 0;
    int held = 0;

    if (text == NULL)
        return json_bad(source, "Precompiled has no string \"precompiled_charsmap\"");
    for (size_t i = 0; i < count && text[i] != '='; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return json_bad(source, "precompiled_charsmap is not base64 at character %zu", i);
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            if (text_append_byte(&step->content, (char)(bits >> held & 0xFF), 1) != QUIRE_OK)
                return no_memory(source);
        }
    }
    if (step->content.count == 0)
        return QUIRE_OK; /* an empty map maps nothing */
    return charsmap_check(&step->content, &reason) == QUIRE_OK ? QUIRE_OK : json_bad(source, "%s", reason.message);
}

static enum quire_status load_normaliser(const struct json_source *source, const json_t *value, struct normaliser_list *out)
{
    static const struct {
        const char *type;
        enum normalise_kind kind;
        unsigned flags;
    } rows[] = {
        {"NFC", NORMALISE_COMPOSE, NORMALISE_COMPOSED},
        {"NFD", NORMALISE_COMPOSE, 0},
        {"NFKC", NORMALISE_COMPOSE, NORMALISE_COMPOSED | NORMALISE_COMPATIBLE},
        {"NFKD", NORMALISE_COMPOSE, NORMALISE_COMPATIBLE},
        {"Replace", NORMALISE_REPLACE, 0},
        {"Prepend", NORMALISE_PREPEND, 0},
        {"Strip", NORMALISE_STRIP, 0},
        {"StripAccents", NORMALISE_STRIP_MARKS, 0},
        {"Lowercase", NORMALISE_LOWERCASE, 0},
        {"ByteLevel", NORMALISE_BYTES, 0},
        {"Nmt", NORMALISE_NMT, 0},
        {"Precompiled", NORMALISE_CHARSMAP, 0},
    };
    const char *type = json_text(value, "type", NULL);

    if (type != NULL && strcmp(type, "BertNormalizer") == 0)
        return load_bert(source, value, out);
    for (size_t i = 0; type != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].type, type) != 0)
            continue;
        struct normaliser *step = normaliser_list_add(out, rows[i].kind);
        if (step == NULL)
            return no_memory(source);
        step->flags = rows[i].flags;
        if (step->kind == NORMALISE_STRIP)
            step->flags = (json_bool(value, "strip_left", true) ? NORMALISE_LEFT : 0u) |
                          (json_bool(value, "strip_right", true) ? NORMALISE_RIGHT : 0u);
        if (step->kind == NORMALISE_CHARSMAP)
            return load_charsmap(source, value, step);
        if (step->kind == NORMALISE_PREPEND)
            return content_load(source, value, "prepend", NULL, &step->content);
        if (step->kind != NORMALISE_REPLACE)
            return QUIRE_OK;
        enum quire_status status = pattern_load(source, value, &step->pattern);
        return status != QUIRE_OK ? status : content_load(source, value, "content", NULL, &step->content);
    }
    return json_bad(source, "normalizer: type \"%s\" is not known", type == NULL ? "" : type);
}

/* ---- pre-tokenizers -------------------------------------------------------------------------------------------------- */

static enum quire_status behaviour_load(const struct json_source *source, const json_t *value, enum split_behaviour *out)
{
    static const char *const names[] = {"Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"};
    const char *name = json_text(value, "behavior", NULL);

    for (size_t i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum split_behaviour)i; /* the enum is in this order */
            return QUIRE_OK;
        }
    }
    return json_bad(source, "pre_tokenizer: behavior \"%s\" is not known", name == NULL ? "" : name);
}

static enum quire_status load_split(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_PATTERN);

    if (step == NULL)
        return no_memory(source);
    step->invert = json_bool(value, "invert", false);
    enum quire_status status = behaviour_load(source, value, &step->behaviour);
    return status != QUIRE_OK ? status : pattern_load(source, value, &step->pattern);
}

static enum quire_status add_expression(const struct json_source *source, const char *expression, bool invert,
                                        enum split_behaviour behaviour, struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_PATTERN);

    if (step == NULL)
        return no_memory(source);
    step->behaviour = behaviour;
    step->invert = invert;
    return pattern_compile(expression, strlen(expression), &step->pattern, source->error);
}

static enum quire_status add_literal_split(const struct json_source *source, const struct text *literal,
                                           enum split_behaviour behaviour, struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_PATTERN);

    if (step == NULL || pattern_literal(literal->bytes, literal->count, &step->pattern) != QUIRE_OK)
        return no_memory(source);
    step->behaviour = behaviour;
    return QUIRE_OK;
}

static enum quire_status add_chars(const struct json_source *source, enum char_set chars, enum split_behaviour behaviour,
                                   struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_CHARS);

    if (step == NULL)
        return no_memory(source);
    step->chars = chars;
    step->behaviour = behaviour;
    return QUIRE_OK;
}

static enum quire_status add_prefix(const struct json_source *source, const char *prefix, size_t count, bool first,
                                    struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_PREFIX);

    if (step == NULL || text_append(&step->content, prefix, count) != QUIRE_OK)
        return no_memory(source);
    step->first = first;
    return QUIRE_OK;
}

static enum quire_status load_byte_level(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    enum quire_status status = QUIRE_OK;

    if (json_bool(value, "add_prefix_space", true))
        status = add_prefix(source, " ", 1, false, out);
    if (status == QUIRE_OK && json_bool(value, "use_regex", true))
        status = add_expression(source, GPT2_WORDS, false, SPLIT_ISOLATED, out);
    if (status == QUIRE_OK && splitter_list_add(out, SPLIT_BYTES) == NULL)
        status = no_memory(source);
    return status;
}

static enum quire_status load_metaspace(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    const char *scheme = json_text(value, "prepend_scheme", NULL);
    struct splitter *replace = splitter_list_add(out, SPLIT_REPLACE);
    struct text mark = {0};

    if (scheme == NULL) /* the older form of the file */
        scheme = json_bool(value, "add_prefix_space", true) ? "always" : "never";
    if (replace == NULL || pattern_literal(" ", 1, &replace->pattern) != QUIRE_OK)
        return no_memory(source);
    enum quire_status status = content_load(source, value, "replacement", METASPACE, &mark);
    if (status == QUIRE_OK && text_append(&replace->content, mark.bytes, mark.count) != QUIRE_OK)
        status = no_memory(source);
    if (status == QUIRE_OK && strcmp(scheme, "never") != 0)
        status = add_prefix(source, mark.bytes, mark.count, strcmp(scheme, "first") == 0, out);
    if (status == QUIRE_OK && json_bool(value, "split", true))
        status = add_literal_split(source, &mark, SPLIT_MERGED_NEXT, out);
    text_deinit(&mark);
    return status;
}

static enum quire_status load_punctuation(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    enum split_behaviour behaviour = SPLIT_ISOLATED;

    if (json_object_get(value, "behavior") != NULL) {
        enum quire_status status = behaviour_load(source, value, &behaviour);
        if (status != QUIRE_OK)
            return status;
    }
    return add_chars(source, CHARS_PUNCTUATION, behaviour, out);
}

static enum quire_status load_digits(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    return add_chars(source, CHARS_NUMBER, json_bool(value, "individual_digits", false) ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS,
                     out);
}

static enum quire_status load_bert_words(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    (void)value;
    enum quire_status status = add_chars(source, CHARS_SPACE, SPLIT_REMOVED, out);
    return status != QUIRE_OK ? status : add_chars(source, CHARS_PUNCTUATION, SPLIT_ISOLATED, out);
}

static enum quire_status load_whitespace(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    (void)value;
    return add_expression(source, "\\w+|[^\\w\\s]+", true, SPLIT_REMOVED, out);
}

static enum quire_status load_whitespace_split(const struct json_source *source, const json_t *value,
                                               struct splitter_list *out)
{
    (void)value;
    return add_chars(source, CHARS_SPACE, SPLIT_REMOVED, out);
}

static enum quire_status load_delimiter(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    struct text delimiter = {0};
    enum quire_status status = content_load(source, value, "delimiter", NULL, &delimiter);

    if (status == QUIRE_OK)
        status = add_literal_split(source, &delimiter, SPLIT_REMOVED, out);
    text_deinit(&delimiter);
    return status;
}

static enum quire_status load_fixed(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    uint64_t length = 5;
    struct splitter *step = splitter_list_add(out, SPLIT_FIXED);

    if (step == NULL)
        return no_memory(source);
    if (json_object_get(value, "length") != NULL &&
        (!json_whole(json_object_get(value, "length"), UINT32_MAX, &length) || length == 0))
        return json_bad(source, "FixedLength: \"length\" is not a positive number");
    step->length = (size_t)length;
    return QUIRE_OK;
}

static enum quire_status load_splitter(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    static const struct {
        const char *type;
        enum quire_status (*load)(const struct json_source *, const json_t *, struct splitter_list *);
    } rows[] = {
        {"ByteLevel", load_byte_level},     {"Split", load_split},
        {"Metaspace", load_metaspace},      {"Digits", load_digits},
        {"Punctuation", load_punctuation},  {"BertPreTokenizer", load_bert_words},
        {"Whitespace", load_whitespace},    {"WhitespaceSplit", load_whitespace_split},
        {"CharDelimiterSplit", load_delimiter}, {"FixedLength", load_fixed},
    };
    const char *type = json_text(value, "type", NULL);

    for (size_t i = 0; type != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].type, type) == 0)
            return rows[i].load(source, value, out);
    return json_bad(source, "pre_tokenizer: type \"%s\" is not known", type == NULL ? "" : type);
}

/* ---- decoders -------------------------------------------------------------------------------------------------------- */

static enum quire_status count_load(const struct json_source *source, const json_t *value, const char *name, size_t *out)
{
    uint64_t number;

    if (!json_whole(json_object_get(value, name), UINT32_MAX, &number))
        return json_bad(source, "Strip: \"%s\" is not a count", name);
    *out = (size_t)number;
    return QUIRE_OK;
}

static enum quire_status load_decode_step(const struct json_source *source, const json_t *value, struct decode_step *step)
{
    const char *scheme = json_text(value, "prepend_scheme", NULL);
    enum quire_status status = QUIRE_OK;

    switch (step->kind) {
    case DECODE_REPLACE:
        status = pattern_load(source, value, &step->pattern);
        return status != QUIRE_OK ? status : content_load(source, value, "content", NULL, &step->content);
    case DECODE_STRIP:
        status = count_load(source, value, "start", &step->left);
        if (status == QUIRE_OK)
            status = count_load(source, value, "stop", &step->right);
        if (status == QUIRE_OK)
            status = content_load(source, value, "content", NULL, &step->content);
        return status == QUIRE_OK && step->content.count == 0 ? json_bad(source, "Strip: \"content\" is empty") : status;
    case DECODE_METASPACE:
        step->prefix = scheme == NULL ? json_bool(value, "add_prefix_space", true) : strcmp(scheme, "never") != 0;
        status = content_load(source, value, "replacement", METASPACE, &step->content);
        if (status == QUIRE_OK && pattern_literal(step->content.bytes, step->content.count, &step->pattern) != QUIRE_OK)
            status = no_memory(source);
        return status;
    case DECODE_WORDPIECE:
        step->cleanup = json_bool(value, "cleanup", true);
        return content_load(source, value, "prefix", "##", &step->content);
    default:
        return QUIRE_OK;
    }
}

static enum quire_status load_decoder(const struct json_source *source, const json_t *value, struct decoder *out)
{
    static const struct {
        const char *type;
        enum decode_kind kind;
    } rows[] = {
        {"ByteLevel", DECODE_BYTE_LEVEL}, {"Replace", DECODE_REPLACE}, {"ByteFallback", DECODE_BYTE_FALLBACK},
        {"Fuse", DECODE_FUSE},            {"Strip", DECODE_STRIP},     {"Metaspace", DECODE_METASPACE},
        {"WordPiece", DECODE_WORDPIECE},
    };
    const char *type = json_text(value, "type", NULL);

    for (size_t i = 0; type != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].type, type) != 0)
            continue;
        struct decode_step *step = decoder_add(out, rows[i].kind);
        return step == NULL ? no_memory(source) : load_decode_step(source, value, step);
    }
    return json_bad(source, "decoder: type \"%s\" is not known", type == NULL ? "" : type);
}

/* ---- sequences ------------------------------------------------------------------------------------------------------- */

#define SEQUENCE_DEPTH_MAX 16

/* Calls `load` for the steps of `value`, which may be a (nested) Sequence with its list under `members`. */
#define SEQUENCE_LOADER(name, members, list_type, load)                                                                    \
    static enum quire_status name(const struct json_source *source, const json_t *value, list_type *out, int depth)        \
    {                                                                                                                      \
        const char *type = json_text(value, "type", NULL);                                                                 \
        enum quire_status status = QUIRE_OK;                                                                               \
        const json_t *member;                                                                                              \
        size_t i;                                                                                                          \
        if (type == NULL || strcmp(type, "Sequence") != 0)                                                                 \
            return load(source, value, out);                                                                               \
        if (depth == SEQUENCE_DEPTH_MAX || !json_is_array(json_object_get(value, members)))                                \
            return json_bad(source, "a Sequence has no list \"%s\", or too many are nested", members);                     \
        json_array_foreach(json_object_get(value, members), i, member)                                                     \
        {                                                                                                                  \
            status = name(source, member, out, depth + 1);                                                                 \
            if (status != QUIRE_OK)                                                                                        \
                break;                                                                                                     \
        }                                                                                                                  \
        return status;                                                                                                     \
    }

SEQUENCE_LOADER(normalisers, "normalizers", struct normaliser_list, load_normaliser)
SEQUENCE_LOADER(splitters, "pretokenizers", struct splitter_list, load_splitter)
SEQUENCE_LOADER(decoders, "decoders", struct decoder, load_decoder)

enum quire_status json_normalisers_load(const struct json_source *source, const json_t *value, struct normaliser_list *out)
{
    return value == NULL || json_is_null(value) ? QUIRE_OK : normalisers(source, value, out, 0);
}

enum quire_status json_splitters_load(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    return value == NULL || json_is_null(value) ? QUIRE_OK : splitters(source, value, out, 0);
}

enum quire_status json_decoder_load(const struct json_source *source, const json_t *value, struct decoder *out)
{
    if (value == NULL || json_is_null(value))
        return decoder_add(out, DECODE_JOIN) == NULL ? no_memory(source) : QUIRE_OK;
    return decoders(source, value, out, 0);
}
