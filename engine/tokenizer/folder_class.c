/* Folders with a vocabulary but no tokenizer.json: the tokenizer's class tells the rest. Thread: the loader's.
 * Owner: tokenizer. A row is the tokenizer.json that transformers makes for a class, without vocabulary and ids;
 * "names" are the special tokens where no configuration names others, "frame" is what stands around a text (null). */
#include "json_source.h"
#include "plain_files.h"

#include <string.h>

#define NAME(name, text) "\"" name "_token\":\"" text "\""
#define BYTE_LEVEL(prefix) \
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":" prefix "},\"decoder\":{\"type\":\"ByteLevel\"}"
#define NFC "\"normalizer\":{\"type\":\"NFC\"},"
#define SPLIT_BYTES(expression) \
    NFC "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" \
    expression "\"},\"behavior\":\"Isolated\"},{\"type\":\"ByteLevel\",\"add_prefix_space\":false," \
    "\"use_regex\":false}]}," \
    "\"decoder\":{\"type\":\"ByteLevel\"}"
#define ENDINGS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define QWEN2 \
    ENDINGS "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|" SPACES
#define QWEN35 \
    ENDINGS "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{L}\\\\p{M}]+|\\\\p{N}" \
    "| ?[^\\\\s\\\\p{L}\\\\p{M}\\\\p{N}]+[\\\\r\\\\n]*|" SPACES
#define CLIP \
    "<\\\\|startoftext\\\\|>|<\\\\|endoftext\\\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]" \
    "|[^\\\\s\\\\p{L}\\\\p{N}]+"
#define BERT(lowercase, strip_accents) \
    "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":" \
    strip_accents ",\"lowercase\":" lowercase "},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
#define WORDPIECE \
    BERT("true", "null") "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\"}," \
    "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}"
#define SUFFIXED \
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"end_of_word_suffix\":\"</w>\"}," \
    "\"decoder\":{\"type\":\"BPEDecoder\",\"suffix\":\"</w>\"}"
#define GPT2_END "<|endoftext|>"
#define GPT2_NAMES "\"names\":{" NAME("bos", GPT2_END) "," NAME("eos", GPT2_END) "," NAME("unk", GPT2_END) "}"
#define QWEN_NAMES "\"names\":{" NAME("eos", GPT2_END) "," NAME("pad", GPT2_END) "," NAME("unk", GPT2_END) "}"
#define BART_NAMES \
    "\"names\":{" NAME("bos", "<s>") "," NAME("eos", "</s>") "," NAME("sep", "</s>") "," NAME("cls", "<s>") "," \
    NAME("unk", "<unk>") "," NAME("pad", "<pad>") "," NAME("mask", "<mask>") "}"
#define BERT_NAMES \
    "\"names\":{" NAME("unk", "[UNK]") "," NAME("sep", "[SEP]") "," NAME("pad", "[PAD]") "," NAME("cls", "[CLS]") "," \
    NAME("mask", "[MASK]") "}"
#define AROUND "\"frame\":[\"cls_token\",null,\"sep_token\"]"

struct class_row {
    const char *classes, *models; /* tokenizer_class without "Fast"; config.json's model_type; separated by blanks */
    const char *json;
};

static const struct class_row rows[] = {
    {"GPT2Tokenizer CodeGenTokenizer PreTrainedTokenizer TokenizersBackend", "gpt2 gptj gpt_neo opt phi starcoder2",
     "{" BYTE_LEVEL("false") "," GPT2_NAMES "}"},
    {"GPTNeoXTokenizer", "gpt_neox", "{" NFC BYTE_LEVEL("false") "," GPT2_NAMES "}"},
    {"Qwen2Tokenizer", "qwen2 qwen2_moe qwen2_vl qwen2_5_vl qwen3 qwen3_moe qwen3_vl qwen3_next",
     "{" SPLIT_BYTES(QWEN2) "," QWEN_NAMES "}"},
    {"Qwen3_5Tokenizer", "qwen3_5 qwen3_5_moe qwen3_5_text qwen3_5_moe_text",
     "{" SPLIT_BYTES(QWEN35) "," QWEN_NAMES "}"},
    {"RobertaTokenizer BartTokenizer LongformerTokenizer LEDTokenizer MvpTokenizer",
     "roberta bart longformer led mvp",
     "{" BYTE_LEVEL("false") "," BART_NAMES "," AROUND "}"},
    {"CLIPTokenizer", "clip",
     "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\",\"pattern\":"
     "{\"Regex\":\"\\\\s+\"},\"content\":\" \"},{\"type\":\"Lowercase\"}]},\"pre_tokenizer\":{\"type\":\"Sequence\","
     "\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" CLIP "\"},\"behavior\":\"Removed\","
     "\"invert\":true},{\"type\":\"ByteLevel\",\"add_prefix_space\":false}]},\"decoder\":{\"type\":\"ByteLevel\"},"
     "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<|endoftext|>\",\"end_of_word_suffix\":\"</w>\"},"
     "\"names\":{" NAME("bos", "<|startoftext|>") "," NAME("eos", GPT2_END) "," NAME("unk", GPT2_END) "},"
     "\"frame\":[\"bos_token\",null,\"eos_token\"]}"},
    {"OpenAIGPTTokenizer", "openai-gpt",
     "{" BERT("true", "null") SUFFIXED ",\"names\":{" NAME("unk", "<unk>") "}}"},
    {"HerbertTokenizer", "herbert", "{" BERT("false", "false") SUFFIXED "," BART_NAMES "," AROUND "}"},
    {"BertTokenizer DistilBertTokenizer ElectraTokenizer MobileBertTokenizer ConvBertTokenizer LayoutLMTokenizer "
     "LxmertTokenizer SqueezeBertTokenizer RetriBertTokenizer DPRQuestionEncoderTokenizer DPRContextEncoderTokenizer",
     "bert distilbert electra mobilebert convbert layoutlm nomic_bert",
     "{" WORDPIECE "," BERT_NAMES "," AROUND "}"},
};

/* Whether `names`, separated by blanks, holds name[0, bytes). */
static bool names_hold(const char *names, const char *name, size_t bytes)
{
    for (const char *at = names; bytes > 0 && *at != '\0'; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == bytes && memcmp(at, name, bytes) == 0)
            return true;
    return false;
}

/* The class that the configuration names, else the one of the model's type, else GPT-2's or BERT's by the files. */
static const struct class_row *row_of(const json_t *config, const json_t *model, bool merged)
{
    const char *class = json_text(config, "tokenizer_class", NULL), *type = json_text(model, "model_type", NULL);
    size_t bytes = class == NULL ? 0 : strlen(class);
    const char *otherwise = merged ? "GPT2Tokenizer" : "BertTokenizer";

    if (bytes > 4 && strcmp(class + bytes - 4, "Fast") == 0)
        bytes -= 4;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (class != NULL ? names_hold(rows[i].classes, class, bytes)
                          : type != NULL && names_hold(rows[i].models, type, strlen(type)))
            return &rows[i];
    for (size_t i = 0; class == NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (names_hold(rows[i].classes, otherwise, strlen(otherwise)))
            return &rows[i];
    return NULL;
}

/* ---- the files --------------------------------------------------------------------------------------------------- */

/* Calls `add` for every line, without its end. False where it fails; *index is then that line's. */
static bool lines_each(const struct text *text, json_t *out, size_t *index,
                       bool (*add)(json_t *out, size_t index, const char *line, size_t count))
{
    *index = 0;
    for (size_t at = 0; at < text->count; ++*index) {
        const char *line = text->bytes + at, *end = memchr(line, '\n', text->count - at);
        size_t count = end == NULL ? text->count - at : (size_t)(end - line);
        at += count + 1;
        if (count > 0 && line[count - 1] == '\r')
            count--;
        if (!add(out, *index, line, count))
            return false;
    }
    return true;
}

static bool merge_line(json_t *out, size_t index, const char *line, size_t count)
{
    bool version = index == 0 && count > 8 && memcmp(line, "#version", 8) == 0;

    return count == 0 || version || json_array_append_new(out, json_stringn(line, count)) == 0;
}

static bool word_line(json_t *out, size_t index, const char *line, size_t count)
{
    return json_object_setn_new(out, line, count, json_real((double)index)) == 0;
}

/* The lines of a file: vocab.txt's {word: line}, or merges.txt's list. */
static enum quire_status lines_load(const struct json_source *source, const char *file, json_t *empty,
                                    bool (*add)(json_t *, size_t, const char *, size_t), json_t **out)
{
    struct text text = {0};
    size_t index;
    enum quire_status status = empty == NULL ? json_no_memory(source)
                                             : folder_text_load(source->folder, file, &text, source->error);

    if (status == QUIRE_OK && !lines_each(&text, empty, &index, add))
        status = quire_fail(source->error, QUIRE_BAD_FILE, "%s/%s: line %zu is not valid UTF-8", source->folder, file,
                            index + 1);
    if (status == QUIRE_OK)
        *out = empty;
    else
        json_decref(empty);
    text_deinit(&text);
    return status;
}

/* ---- putting them together --------------------------------------------------------------------------------------- */

/* Settings of tokenizer_config.json that replace a field of the row. */
static bool options_apply(json_t *root, const json_t *config)
{
    static const struct {
        const char *key, *part, *field;
    } options[] = {{"add_prefix_space", "pre_tokenizer", "add_prefix_space"},
                   {"do_lower_case", "normalizer", "lowercase"},
                   {"strip_accents", "normalizer", "strip_accents"},
                   {"tokenize_chinese_chars", "normalizer", "handle_chinese_chars"}};

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        json_t *part = json_object_get(root, options[i].part), *value = json_object_get(config, options[i].key);
        if (json_is_boolean(value) && json_object_get(part, options[i].field) != NULL &&
            json_object_set(part, options[i].field, value) != 0)
            return false;
    }
    return true;
}

/* The row's names that the vocabulary has. */
static enum quire_status names_set(struct tokenizer *tokenizer, const json_t *root)
{
    const char *name;
    json_t *text, *names = json_object_get(root, "names");

    json_object_foreach (names, name, text) {
        const char *bytes = json_string_value(text);
        size_t count = json_string_length(text);
        if (vocabulary_find(&tokenizer->vocabulary, bytes, count) != TOKEN_NONE &&
            name_list_set(&tokenizer->specials, name, bytes, count) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

enum quire_status legacy_added_load(struct tokenizer *tokenizer, const char *folder, const json_t *config,
                                    struct quire_error *error)
{
    struct json_source source = {folder, "added_tokens.json", error};
    json_t *list = NULL, *value;
    const char *text;
    enum quire_status status = QUIRE_OK;

    if (json_object_get(config, "added_tokens_decoder") == NULL)
        status = folder_json_load(folder, source.file, false, &list, error);
    json_object_foreach (list, text, value) {
        json_t *content = json_string(text);
        uint64_t id;
        if (status == QUIRE_OK && content == NULL)
            status = json_no_memory(&source);
        if (status == QUIRE_OK && !json_whole(value, VOCABULARY_IDS_MAX - 1, &id))
            status = json_bad(&source, "the id of \"%.60s\" is no number from 0 to %u", text, VOCABULARY_IDS_MAX - 1);
        if (status == QUIRE_OK)
            status = json_added_load(&source, content, false, &id, tokenizer);
        json_decref(content);
    }
    json_decref(list);
    return status;
}

/* Names of specials, or tokens themselves; null is the text. Left alone where a configuration says add_bos_token. */
static enum quire_status frame_set(struct tokenizer *tokenizer, const json_t *root, const json_t *config)
{
    const json_t *frame = json_object_get(root, "frame"), *entry;
    enum quire_status status = QUIRE_OK;
    size_t i;

    if (frame == NULL || json_is_boolean(json_object_get(config, "add_bos_token")))
        return QUIRE_OK;
    tokenizer->frames[1].count = 0;
    json_array_foreach (frame, i, entry) {
        const char *name = json_string_value(entry), *text = name == NULL ? NULL
                                                                          : name_list_get(&tokenizer->specials, name);
        text = text == NULL ? name : text;
        uint32_t id = text == NULL ? TOKEN_NONE : vocabulary_find(&tokenizer->vocabulary, text, strlen(text));
        if (status == QUIRE_OK && (text == NULL || id != TOKEN_NONE))
            status = token_list_append(&tokenizer->frames[1], id);
    }
    return status;
}

/* `model` is the row's with the vocabulary in it. */
static enum quire_status root_apply(const struct json_source *source, json_t *root, const json_t *config,
                                    struct tokenizer *tokenizer)
{
    enum quire_status status = json_tokenizer_load(source, root, tokenizer);

    tokenizer->has_processor = false; /* add_bos_token counts */
    if (status == QUIRE_OK)
        status = names_set(tokenizer, root);
    if (status == QUIRE_OK)
        status = legacy_added_load(tokenizer, source->folder, config, source->error);
    if (status == QUIRE_OK)
        status = specials_load(tokenizer, source->folder, source->error);
    if (status == QUIRE_OK)
        status = frame_set(tokenizer, root, config);
    return status == QUIRE_OK ? json_model_load(source, json_object_get(root, "model"), &tokenizer->model) : status;
}

static enum quire_status class_apply(const struct json_source *source, json_t *vocabulary, json_t *merges,
                                     const json_t *config, const json_t *model_config, struct tokenizer *tokenizer)
{
    const struct class_row *row = row_of(config, model_config, merges != NULL);

    if (row == NULL)
        return quire_fail(source->error, QUIRE_UNSUPPORTED,
                          "%s/tokenizer_config.json: tokenizer_class \"%s\" needs a tokenizer.json", source->folder,
                          json_text(config, "tokenizer_class", NULL));
    json_t *root = json_loads(row->json, JSON_DECODE_INT_AS_REAL, NULL);
    json_t *model = json_object_get(root, "model");
    bool made = root != NULL && options_apply(root, config);
    if (made && model == NULL)
        made = json_object_set_new(root, "model", model = json_pack("{s:s}", "type", "BPE")) == 0;
    made = made && json_object_set(model, "vocab", vocabulary) == 0 &&
           (merges == NULL || json_object_set(model, "merges", merges) == 0);
    enum quire_status status = made ? root_apply(source, root, config, tokenizer) : json_no_memory(source);
    json_decref(root);
    return status;
}

enum quire_status folder_class_load(struct tokenizer *tokenizer, const char *folder, const char **file,
                                    struct quire_error *error)
{
    struct json_source source = {folder, *file = "vocab.json", error};
    json_t *vocabulary = NULL, *merges = NULL, *config = NULL, *model = NULL;
    enum quire_status status = folder_json_load(folder, "vocab.json", false, &vocabulary, error);

    if (status == QUIRE_OK && vocabulary == NULL) {
        source.file = *file = "vocab.txt";
        status = lines_load(&source, *file, json_object(), word_line, &vocabulary);
    } else if (status == QUIRE_OK) {
        status = lines_load(&source, "merges.txt", json_array(), merge_line, &merges);
    }
    if (status == QUIRE_OK)
        status = folder_json_load(folder, "tokenizer_config.json", false, &config, error);
    if (status == QUIRE_OK)
        status = folder_json_load(folder, "config.json", false, &model, error);
    if (status == QUIRE_OK)
        status = class_apply(&source, vocabulary, merges, config, model, tokenizer);
    json_decref(vocabulary);
    json_decref(merges);
    json_decref(config);
    json_decref(model);
    return status;
}
