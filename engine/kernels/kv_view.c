/* Writes keys and values into the pages in the layout that the attention kernels read. Any thread, distinct slots. */
#include "kernels.h"

#include <string.h>

void kv_view_store(const struct kv_view *view, uint32_t block, uint32_t slot, const float *key, const float *value)
{
    char *start = view->pool + block * view->block_bytes;
    float *keys = (float *)(void *)(start + view->key_offset_bytes);
    float *values = (float *)(void *)(start + view->value_offset_bytes);
    uint32_t head_dim = view->head_dim;

    for (uint32_t i = 0; i < view->kv_heads * head_dim; i++)
        keys[i * 16 + slot] = key[i];
    for (uint32_t head = 0; head < view->kv_heads; head++)
        memcpy(values + ((size_t)head * 16 + slot) * head_dim, value + (size_t)head * head_dim,
               head_dim * sizeof(float));
}
