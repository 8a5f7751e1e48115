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
#define NOT_HAN(set) "[" set "&&[^\\p{Han}]]"
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

/* Chinese, and in some rows the scripts around it, as the models' own expressions list them. */
#define HAN_KANA "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+"
#define ASIAN                                                                                                      \
    "[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{F900}-\\x{FAFF}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}"             \
    "\\x{FF65}-\\x{FF9F}\\x{2F00}-\\x{2FDF}\\x{E40}-\\x{E7F}\\x{E80}-\\x{EFF}\\x{1780}-\\x{17FF}"                  \
    "\\x{1000}-\\x{109F}\\x{AA60}-\\x{AA7F}\\x{A9E0}-\\x{A9FF}\\x{AC00}-\\x{D7AF}\\x{1100}-\\x{11FF}]+"
#define EAST_ASIAN                                                                                                 \
    "[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+"                                                                    \
    "|[\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}\\x{2019}\\x{2014}\\x{FF1A}\\x{FF1B}\\x{FF0C}"                 \
    "\\x{3001}-\\x{303F}\\x{FE30}-\\x{FE4F}]+|[\\x{3105}-\\x{312F}]+|" HAN_KANA
/* DeepSeek V3 and those after it; they differ in where line ends go. */
#define SYMBOLS_WORDS(line_ends)                                                                                   \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"            \
    "| ?[\\p{P}\\p{S}]+" line_ends "|\\s+(?!\\S)|\\s+"
#define DEEPSEEK_V3 SYMBOLS_WORDS("[\\r\\n]*|\\s*[\\r\\n]+")
/* The first group of digits is the short one. */
#define DIGITS_FROM_RIGHT "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))"
#define LINES "[^\\n]+|[\\n]+"
#define OTHERS " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"

static const struct pre_row rows[] = {
    {.names = "gpt-2 phi-2 jais gigachat jina-es jina-de jina-v1-en trillion granite-docling exaone4 a.x-4.0 mellum",
     .expressions = {GPT2}},
    {.names = "roberta-bpe jina-v2-es jina-v2-de jina-v2-code", .mask = "<mask>", .expressions = {GPT2}},
    {.names = "mpt olmo", .compose = true, .expressions = {GPT2}},
    {.names = "modern-bert", .compose = true, .mask = "[MASK]", .expressions = {GPT2}},
    {.names = "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", .whole_words = true,
     .add_bos = true, .expressions = {GPT4("\\p{N}{1,3}")}},
    {.names = "dbrx smaug-bpe chatglm-bpe", .expressions = {GPT4("\\p{N}{1,3}")}},
    {.names = "glm4 glm5", .whole_words = true, .expressions = {GPT4("\\p{N}{1,3}")}},
    {.names = "minicpm5", .whole_words = true, .expressions = {"\\p{N}{1,3}", GPT4("\\p{N}+")}},
    {.names = "jais-2",
     .expressions = {ENGLISH_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" OTHERS "\\s*[\\r\\n]+"
                     "|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)"
                     "|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"}},
    {.names = "qwen2 deepseek-r1-qwen megrez f2llmv2", .compose = true, .expressions = {GPT4("\\p{N}")}},
    {.names = "stablelm2 hunyuan solar-open grok-2 kormo", .expressions = {GPT4("\\p{N}")}},
    {.names = "laguna", .expressions = {LINES, GPT4("\\p{N}")}},
    {.names = "ufakzeka",
     .expressions = {"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" OTHERS SPACES}},
    {.names = "seed-coder",
     .expressions = {ENGLISH_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" SPACES}},
    {.names = "bailingmoe bailingmoe2 llada-moe",
     .expressions = {ENGLISH_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*"
                     "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    {.names = "exaone-moe",
     .expressions = {ENGLISH_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                     "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    /* Not composed: the ids that are published with this kind of file are those of the text as it is. */
    {.names = "qwen35",
     .expressions = {ENGLISH_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                     "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES}},
    {.names = "gpt-4o llama4 kanana2 talkie minimax-m2", .expressions = {CASED(ENGLISH_ENDINGS "?", "\\p{N}{1,3}")}},
    {.names = "granite-embed-multi-97m", .whole_words = true,
     .expressions = {CASED(ENGLISH_ENDINGS "?", "\\p{N}{1,3}")}},
    {.names = "tiny_aya cohere2moe", .compose = true,
     .expressions = {"\\d{1,3}(?=(?:\\d{3})*\\b)", CASED(ENGLISH_ENDINGS "?", "\\p{N}{1,3}")}},
    {.names = "youtu", .whole_words = true, .expressions = {EAST_ASIAN, CASED(ENGLISH_ENDINGS "?", "\\p{N}")}},
    {.names = "tekken", .whole_words = true, .add_bos = true, .expressions = {CASED("", "\\p{N}")}},
    {.names = "kimi-k2",
     .expressions = {"[\\p{Han}]+"
                     "|[^\\r\\n\\p{L}\\p{N}]?" NOT_HAN(UPPER) "*" NOT_HAN(LOWER) "+" ENGLISH_ENDINGS "?"
                     "|[^\\r\\n\\p{L}\\p{N}]?" NOT_HAN(UPPER) "+" NOT_HAN(LOWER) "*" ENGLISH_ENDINGS "?"
                     "|\\p{N}{1,3}|" OTHERS SPACES}},
    {.names = "falcon",
     .expressions = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {.names = "starcoder refact smollm codeshell exaone minerva-7b mellum2", .expressions = {"\\p{N}", GPT2}},
    {.names = "command-r", .compose = true, .expressions = {"\\p{N}", GPT2}},
    {.names = "superbpe", .expressions = {"\\p{N}+", "(?=(\\d{3})+(?!\\d))"}},
    {.names = "deepseek-llm",
     .expressions = {"[\\r\\n]", "\\s?[" CASED_LETTERS "]+",
                     "\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+",
                     "\\s+$", DEEPSEEK_HAN, "\\p{N}+"}},
    {.names = "deepseek-coder", .expressions = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", DEEPSEEK_HAN, "\\p{N}"}},
    {.names = "deepseek-v3 hunyuan-dense hy_v4 joyai-llm", .expressions = {"\\p{N}{1,3}", HAN_KANA, DEEPSEEK_V3}},
    {.names = "spark2_5", .expressions = {"\\p{N}{1,3}", HAN_KANA, SYMBOLS_WORDS("|[\\r\\n]"), "\\p{N}"}},
    {.names = "afmoe", .expressions = {DIGITS_FROM_RIGHT, ASIAN, DEEPSEEK_V3}},
    {.names = "poro-chat bloom gpt3-finnish", .expressions = {BLOOM}},
    {.names = "viking", .expressions = {BLOOM, "\\p{N}"}},
    {.names = "chameleon", .add_bos = true,
     .expressions = {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )", "\\p{N}",
                     "[\\p{P}!-/:-@\\[-`{-~]", GPT2}},
    {.names = "gemma4 granite-embed-multi-311m", .blanks = true, .add_bos = true},
    {.names = "sarvam-moe", .blanks = true},
    {.names = "whitespace", .words = true},
    /* No GGUF file says these; rank files need them. The first is OpenAI's own form, in which white space at the end of
     * a text stays together. */
    {.names = "cl100k",
     .expressions = {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}"
                     "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++\\z|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"}},
    {.names = "arcade100k", .compose = true, .expressions = {GPT4("\\p{N}")}},
    {.names = "default",
     .expressions = {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
};

const struct pre_row *pre_find(const char *name)
{
    size_t bytes = strcspn(name, " ");

    for (size_t i = 0; bytes > 0 && name[bytes] == '\0' && i < sizeof rows / sizeof rows[0]; i++) {
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
