/* The "pre_tokenizer" of a tokenizer.json. Thread: the loader's. Owner: tokenizer.
 * Every type of Hugging Face's tokenizers becomes one or a few of the steps of split.h. */
#include "json_source.h"

#include <string.h>

#define METASPACE "\xE2\x96\x81" /* U+2581 */
/* The expression of GPT-2's encoder.py, which ByteLevel has built in. */
#define GPT2_WORDS "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

static enum quire_status behaviour_load(const struct json_source *source, const json_t *value,
                                        enum split_behaviour *out)
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
        return json_no_memory(source);
    step->invert = json_bool(value, "invert", false);
    enum quire_status status = behaviour_load(source, value, &step->behaviour);
    return status != QUIRE_OK ? status : json_pattern_load(source, value, &step->pattern);
}

static enum quire_status add_expression(const struct json_source *source, const char *expression,
                                        struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_PATTERN);

    if (step == NULL)
        return json_no_memory(source);
    return pattern_compile(expression, strlen(expression), &step->pattern, source->error);
}

static enum quire_status add_literal_split(const struct json_source *source, const struct text *literal,
                                           enum split_behaviour behaviour, struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_PATTERN);

    if (step == NULL || pattern_literal(literal->bytes, literal->count, &step->pattern) != QUIRE_OK)
        return json_no_memory(source);
    step->behaviour = behaviour;
    return QUIRE_OK;
}

static enum quire_status add_chars(const struct json_source *source, enum char_set chars,
                                   enum split_behaviour behaviour, struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_CHARS);

    if (step == NULL)
        return json_no_memory(source);
    step->chars = chars;
    step->behaviour = behaviour;
    return QUIRE_OK;
}

static enum quire_status add_prefix(const struct json_source *source, const char *prefix, size_t count, bool first,
                                    struct splitter_list *out)
{
    struct splitter *step = splitter_list_add(out, SPLIT_PREFIX);

    if (step == NULL || text_append(&step->content, prefix, count) != QUIRE_OK)
        return json_no_memory(source);
    step->first = first;
    return QUIRE_OK;
}

static enum quire_status load_byte_level(const struct json_source *source, const json_t *value,
                                         struct splitter_list *out)
{
    enum quire_status status = QUIRE_OK;

    if (json_bool(value, "add_prefix_space", true))
        status = add_prefix(source, " ", 1, false, out);
    if (status == QUIRE_OK && json_bool(value, "use_regex", true))
        status = add_expression(source, GPT2_WORDS, out);
    if (status == QUIRE_OK && splitter_list_add(out, SPLIT_BYTES) == NULL)
        status = json_no_memory(source);
    return status;
}

static enum quire_status load_metaspace(const struct json_source *source, const json_t *value,
                                        struct splitter_list *out)
{
    const char *scheme = json_text(value, "prepend_scheme", NULL);
    struct splitter *replace = splitter_list_add(out, SPLIT_REPLACE);
    struct text mark = {0};

    if (scheme == NULL) /* the older form of the file */
        scheme = json_bool(value, "add_prefix_space", true) ? "always" : "never";
    if (replace == NULL || pattern_literal(" ", 1, &replace->pattern) != QUIRE_OK)
        return json_no_memory(source);
    enum quire_status status = json_content_load(source, value, "replacement", METASPACE, &mark);
    if (status == QUIRE_OK && text_append(&replace->content, mark.bytes, mark.count) != QUIRE_OK)
        status = json_no_memory(source);
    if (status == QUIRE_OK && strcmp(scheme, "never") != 0)
        status = add_prefix(source, mark.bytes, mark.count, strcmp(scheme, "first") == 0, out);
    if (status == QUIRE_OK && json_bool(value, "split", true))
        status = add_literal_split(source, &mark, SPLIT_MERGED_NEXT, out);
    text_deinit(&mark);
    return status;
}

static enum quire_status load_punctuation(const struct json_source *source, const json_t *value,
                                          struct splitter_list *out)
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
    return add_chars(source, CHARS_NUMBER,
                     json_bool(value, "individual_digits", false) ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS, out);
}

static enum quire_status load_bert_words(const struct json_source *source, const json_t *value,
                                         struct splitter_list *out)
{
    (void)value;
    enum quire_status status = add_chars(source, CHARS_SPACE, SPLIT_REMOVED, out);
    return status != QUIRE_OK ? status : add_chars(source, CHARS_PUNCTUATION, SPLIT_ISOLATED, out);
}

static enum quire_status load_whitespace(const struct json_source *source, const json_t *value,
                                         struct splitter_list *out)
{
    (void)value;
    enum quire_status status = add_chars(source, CHARS_SPACE, SPLIT_REMOVED, out);
    return status != QUIRE_OK ? status : add_chars(source, CHARS_WORD, SPLIT_CONTIGUOUS, out);
}

static enum quire_status load_scripts(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    (void)value;
    return splitter_list_add(out, SPLIT_SCRIPTS) == NULL ? json_no_memory(source) : QUIRE_OK;
}

static enum quire_status load_whitespace_split(const struct json_source *source, const json_t *value,
                                               struct splitter_list *out)
{
    (void)value;
    return add_chars(source, CHARS_SPACE, SPLIT_REMOVED, out);
}

static enum quire_status load_delimiter(const struct json_source *source, const json_t *value,
                                        struct splitter_list *out)
{
    struct text delimiter = {0};
    enum quire_status status = json_content_load(source, value, "delimiter", NULL, &delimiter);

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
        return json_no_memory(source);
    if (json_object_get(value, "length") != NULL &&
        (!json_whole(json_object_get(value, "length"), UINT32_MAX, &length) || length == 0))
        return json_bad(source, "FixedLength: \"length\" is not a positive number");
    step->length = (size_t)length;
    return QUIRE_OK;
}

static enum quire_status load_splitter(const struct json_source *source, const json_t *value, void *list)
{
    struct splitter_list *out = list;
    static const struct {
        const char *type;
        enum quire_status (*load)(const struct json_source *, const json_t *, struct splitter_list *);
    } rows[] = {
        {"ByteLevel", load_byte_level},         {"Split", load_split},
        {"Metaspace", load_metaspace},          {"Digits", load_digits},
        {"Punctuation", load_punctuation},      {"BertPreTokenizer", load_bert_words},
        {"Whitespace", load_whitespace},        {"WhitespaceSplit", load_whitespace_split},
        {"CharDelimiterSplit", load_delimiter}, {"FixedLength", load_fixed},
        {"UnicodeScripts", load_scripts},
    };
    const char *type = json_text(value, "type", NULL);

    if (type == NULL && json_object_get(value, "length") != NULL)
        type = "FixedLength"; /* is written without its type */
    for (size_t i = 0; type != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].type, type) == 0)
            return rows[i].load(source, value, out);
    return json_bad(source, "pre_tokenizer: type \"%s\" is not known", type == NULL ? "" : type);
}

enum quire_status json_splitters_load(const struct json_source *source, const json_t *value, struct splitter_list *out)
{
    return value == NULL || json_is_null(value)
               ? QUIRE_OK
               : json_sequence_load(source, value, "pretokenizers", load_splitter, out);
}
