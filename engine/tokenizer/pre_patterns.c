/* The split expressions that GGUF files name. Thread: any; constant data. Owner: tokenizer.
 * A GGUF file only gives a name; the expressions are those of the tokenizer.json of the models that it stands for. */
#include "pre_patterns.h"

#include <stddef.h>
#include <string.h>

#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define ENGLISH_ENDINGS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
/* GPT-4 and those after it; they differ in how many digits stay together. */
#define GPT4(digits) \
    ENGLISH_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(ending, digits)                                                                                     \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" ending                                                       \
    "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" ending "|" digits                                          \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES
#define BLOOM " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})]+"
#define DEEPSEEK_HAN "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"
/* Letters with case, as DeepSeek's first tokenizer lists them. */
#define CASED_LETTERS \
    "A-Za-z" \
    "\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}\\x{1C4}-\\x{293}" \
    "\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}\\x{37F}\\x{386}\\x{388}-\\x{38A}" \
    "\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}" \
    "\\x{10A0}-\\x{10C5}\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}" \
    "\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}" \
    "\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}\\x{1F5D}" \
    "\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}" \
    "\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}" \
    "\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}" \
    "\\x{2126}\\x{2128}\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}" \
    "\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}" \
    "\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}" \
    "\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}" \
    "\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}" \
    "\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}" \
    "\\x{1E900}-\\x{1E943}"

static const struct pre_row rows[] = {
    {.names = "gpt-2 phi-2 mpt olmo jais roberta-bpe gigachat jina-es jina-de jina-v1-en jina-v2-es jina-v2-de "
              "jina-v2-code",
     .expressions = {GPT2}},
    {.names = "llama3 llama-v3 llama-bpe falcon3 pixtral", .whole_words = true, .add_bos = true,
     .expressions = {GPT4("\\p{N}{1,3}")}},
    {.names = "dbrx smaug-bpe chatglm-bpe glm4", .expressions = {GPT4("\\p{N}{1,3}")}},
    {.names = "qwen2 deepseek-r1-qwen megrez", .compose = true, .expressions = {GPT4("\\p{N}")}},
    {.names = "stablelm2 hunyuan", .expressions = {GPT4("\\p{N}")}},
    {.names = "qwen35", .compose = true,
     .expressions = {ENGLISH_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                     "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES}},
    {.names = "gpt-4o llama4", .expressions = {CASED(ENGLISH_ENDINGS "?", "\\p{N}{1,3}")}},
    {.names = "tekken", .whole_words = true, .add_bos = true, .expressions = {CASED("", "\\p{N}")}},
    {.names = "falcon",
     .expressions = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {.names = "starcoder refact command-r smollm codeshell exaone minerva-7b", .expressions = {"\\p{N}", GPT2}},
    {.names = "deepseek-llm",
     .expressions = {"[\\r\\n]", "\\s?[" CASED_LETTERS "]+",
                     "\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+",
                     "\\s+$", DEEPSEEK_HAN, "\\p{N}+"}},
    {.names = "deepseek-coder", .expressions = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", DEEPSEEK_HAN, "\\p{N}"}},
    {.names = "deepseek-v3 hunyuan-dense joyai-llm",
     .expressions = {"\\p{N}{1,3}", "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+",
                     "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
                     "| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES}},
    {.names = "poro-chat bloom gpt3-finnish", .expressions = {BLOOM}},
    {.names = "viking", .expressions = {BLOOM, "\\p{N}"}},
    {.names = "chameleon", .add_bos = true,
     .expressions = {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )", "\\p{N}",
                     "[\\p{P}!-/:-@\\[-`{-~]", GPT2}},
    {.names = "default",
     .expressions = {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
};

const struct pre_row *pre_find(const char *name)
{
    size_t bytes = strlen(name);

    for (size_t i = 0; bytes > 0 && i < sizeof rows / sizeof rows[0]; i++) {
        for (const char *at = rows[i].names; (at = strstr(at, name)) != NULL; at += bytes) {
            bool begins = at == rows[i].names || at[-1] == ' ';
            if (begins && (at[bytes] == ' ' || at[bytes] == '\0'))
                return &rows[i];
        }
    }
    return NULL;
}

enum quire_status pre_apply(const struct pre_row *row, struct tokenizer *tokenizer, struct quire_error *error)
{
    enum quire_status status = QUIRE_OK;

    if (row->compose) {
        struct normaliser *step = normaliser_list_add(&tokenizer->normalisers, NORMALISE_COMPOSE);
        if (step == NULL)
            return QUIRE_NO_MEMORY;
        step->flags = NORMALISE_COMPOSED;
    }
    for (size_t i = 0; status == QUIRE_OK && row->expressions[i] != NULL; i++) {
        struct splitter *step = splitter_list_add(&tokenizer->splitters, SPLIT_PATTERN);
        status = step == NULL
                     ? QUIRE_NO_MEMORY
                     : pattern_compile(row->expressions[i], strlen(row->expressions[i]), &step->pattern, error);
    }
    if (status == QUIRE_OK && (splitter_list_add(&tokenizer->splitters, SPLIT_BYTES) == NULL ||
                               decoder_add(&tokenizer->decoder, DECODE_BYTE_LEVEL) == NULL))
        status = QUIRE_NO_MEMORY;
    tokenizer->model.whole_words = row->whole_words;
    return status;
}
