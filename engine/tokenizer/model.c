/* What the word models share. Thread: any. Owner: tokenizer. */
#include "model.h"

#include <stdlib.h>

void model_scratch_deinit(struct model_scratch *scratch)
{
    free(scratch->symbols);
    free(scratch->heap);
    text_deinit(&scratch->text);
    *scratch = (struct model_scratch){0};
}

void word_model_deinit(struct word_model *model)
{
    text_deinit(&model->prefix);
    text_deinit(&model->suffix);
    free(model->merges.slots);
    free(model->scores);
    free(model->char_ids);
    borders_deinit(&model->borders);
    unigram_destroy(model->unigram);
}

void byte_ids_find(const struct vocabulary *vocabulary, uint32_t ids[256])
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char spelling[8];
        int count = snprintf(spelling, sizeof spelling, "<0x%02X>", byte);
        ids[byte] = vocabulary_find_piece(vocabulary, spelling, (size_t)count, true);
    }
}

bool model_has_bytes(const struct word_model *model, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (model->byte_ids[(unsigned char)bytes[i]] == TOKEN_NONE)
            return false;
    return model->byte_fallback;
}

enum quire_status merge_add(struct word_model *model, uint32_t rank, const char *left, size_t left_bytes,
                            const char *right, size_t right_bytes, struct text *spare)
{
    size_t skipped = model->prefix.count <= right_bytes ? model->prefix.count : 0;

    spare->count = 0;
    if (text_append(spare, left, left_bytes) != QUIRE_OK ||
        text_append(spare, right + skipped, right_bytes - skipped) != QUIRE_OK || text_reserve(spare, 1) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    uint32_t left_id = vocabulary_find_piece(model->vocabulary, left, left_bytes, true);
    uint32_t right_id = vocabulary_find_piece(model->vocabulary, right, right_bytes, true);
    uint32_t id = vocabulary_find_piece(model->vocabulary, spare->bytes, spare->count, true);
    if (left_id == TOKEN_NONE || right_id == TOKEN_NONE || id == TOKEN_NONE)
        return QUIRE_NOT_FOUND;
    return merge_table_add(&model->merges, left_id, right_id, rank, id);
}

enum quire_status merge_add_line(struct word_model *model, uint32_t rank, const char *line, size_t bytes,
                                 struct text *spare)
{
    enum quire_status status = QUIRE_NOT_FOUND;

    for (size_t i = 0; i < bytes && status == QUIRE_NOT_FOUND; i++)
        if (line[i] == ' ')
            status = merge_add(model, rank, line, i, line + i + 1, bytes - i - 1, spare);
    return status;
}
