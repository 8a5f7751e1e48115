/* What the fuzz targets share: libFuzzer's interface, and what every tokenizer that could be loaded is put through. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's interface: the target, its own mutators (both optional), and libFuzzer's mutator of plain bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t count_max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *left, size_t left_count, const uint8_t *right, size_t right_count,
                                 uint8_t *out, size_t out_max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t count_max);

/* Random numbers of one mutation, a function of libFuzzer's seed. */
struct dice {
    uint64_t state;
};
static inline struct dice dice_make(unsigned seed)
{
    return (struct dice){(seed + 1) * 0x9E3779B97F4A7C15u};
}
static inline uint32_t dice_throw(struct dice *dice, size_t below) /* below > 0 */
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return (uint32_t)((dice->state >> 33) % below);
}

/* Writes a file into this process's scratch folder (below TMPDIR, removed at exit). */
void scratch_write(const char *name, const void *bytes, size_t count);
void scratch_remove(const char *name);
/* Opens the tokenizer of a file in the scratch folder, or of the folder itself where `name` is NULL. Where that works:
 * encodes `text` and some fixed ones, decodes them at once and as a stream, and asks for every token. */
void exercise_tokenizer(const char *name, const char *text, size_t text_bytes);

/* Whether the bytes are UTF-8 (RFC 3629). Written for the tests, so that the product's own check is not asked. */
bool is_utf8(const char *bytes, size_t count);

#endif
