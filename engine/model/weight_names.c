/* See weight_names.h. Any thread. */
#include "weight_names.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define LAYER "model.layers.*."
#define GPT2_ROWS(prefix)                                                                                              \
    .pattern = {[WEIGHT_EMBEDDING] = prefix "wte",           [WEIGHT_POSITIONS] = prefix "wpe",                        \
                [WEIGHT_FINAL_NORM] = prefix "ln_f",         [WEIGHT_HEAD] = "lm_head",                                \
                [WEIGHT_ATTENTION_NORM] = prefix "h.*.ln_1", [WEIGHT_QKV] = prefix "h.*.attn.c_attn",                  \
                [WEIGHT_OUT] = prefix "h.*.attn.c_proj",     [WEIGHT_FFN_NORM] = prefix "h.*.ln_2",                    \
                [WEIGHT_UP] = prefix "h.*.mlp.c_fc",         [WEIGHT_DOWN] = prefix "h.*.mlp.c_proj"},                 \
    .transposed = true, .ignored = {prefix "h.*.attn.bias", prefix "h.*.attn.masked_bias"} /* causal masks */

static const struct weight_naming namings[] = {
    {
        /* LLaMA and its relatives on Hugging Face */
        .pattern = {[WEIGHT_EMBEDDING] = "model.embed_tokens",
                    [WEIGHT_FINAL_NORM] = "model.norm",
                    [WEIGHT_HEAD] = "lm_head",
                    [WEIGHT_ATTENTION_NORM] = LAYER "input_layernorm",
                    [WEIGHT_QUERY] = LAYER "self_attn.q_proj",
                    [WEIGHT_KEY] = LAYER "self_attn.k_proj",
                    [WEIGHT_VALUE] = LAYER "self_attn.v_proj",
                    [WEIGHT_QUERY_NORM] = LAYER "self_attn.q_norm",
                    [WEIGHT_KEY_NORM] = LAYER "self_attn.k_norm",
                    [WEIGHT_OUT] = LAYER "self_attn.o_proj",
                    [WEIGHT_FFN_NORM] = LAYER "post_attention_layernorm",
                    [WEIGHT_GATE] = LAYER "mlp.gate_proj",
                    [WEIGHT_UP] = LAYER "mlp.up_proj",
                    [WEIGHT_DOWN] = LAYER "mlp.down_proj"},
        .ignored = {LAYER "self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq"},
    },
    {GPT2_ROWS("transformer.")}, /* as transformers saves it */
    {GPT2_ROWS("")},             /* as OpenAI's files are published */
    {
        /* GGUF, every family */
        .pattern = {[WEIGHT_EMBEDDING] = "token_embd",
                    [WEIGHT_POSITIONS] = "position_embd",
                    [WEIGHT_FINAL_NORM] = "output_norm",
                    [WEIGHT_HEAD] = "output",
                    [WEIGHT_ATTENTION_NORM] = "blk.*.attn_norm",
                    [WEIGHT_QUERY] = "blk.*.attn_q",
                    [WEIGHT_KEY] = "blk.*.attn_k",
                    [WEIGHT_VALUE] = "blk.*.attn_v",
                    [WEIGHT_QKV] = "blk.*.attn_qkv",
                    [WEIGHT_QUERY_NORM] = "blk.*.attn_q_norm",
                    [WEIGHT_KEY_NORM] = "blk.*.attn_k_norm",
                    [WEIGHT_OUT] = "blk.*.attn_output",
                    [WEIGHT_FFN_NORM] = "blk.*.ffn_norm",
                    [WEIGHT_GATE] = "blk.*.ffn_gate",
                    [WEIGHT_UP] = "blk.*.ffn_up",
                    [WEIGHT_DOWN] = "blk.*.ffn_down"},
        .ignored = {"rope_freqs.weight" /* read with the metadata */, "blk.*.attn_rot_embd"},
    },
};

bool weight_name(const struct weight_naming *naming, enum weight_role role, uint32_t layer, const char *ending,
                 char name[WEIGHT_NAME_BYTES])
{
    const char *pattern = naming->pattern[role];
    const char *star = pattern != NULL ? strchr(pattern, '*') : NULL;

    if (pattern == NULL)
        return false;
    if (star == NULL)
        snprintf(name, WEIGHT_NAME_BYTES, "%s%s", pattern, ending);
    else
        snprintf(name, WEIGHT_NAME_BYTES, "%.*s%u%s%s", (int)(star - pattern), pattern, layer, star + 1, ending);
    return true;
}

const struct weight_naming *weight_naming_find(const struct model_file *file)
{
    char name[WEIGHT_NAME_BYTES];

    for (size_t i = 0; i < sizeof namings / sizeof namings[0]; i++)
        if (weight_name(&namings[i], WEIGHT_EMBEDDING, 0, ".weight", name) && model_file_find(file, name) != NULL)
            return &namings[i];
    return NULL;
}

bool weight_is_ignored(const struct weight_naming *naming, const char *name)
{
    for (const char *const *pattern = naming->ignored; *pattern != NULL; pattern++)
        if (fnmatch(*pattern, name, 0) == 0)
            return true;
    return false;
}
