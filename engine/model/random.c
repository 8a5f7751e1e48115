/* Philox4x32-10. Any thread. */
#include "random.h"

#define PHILOX_ROUNDS 10
#define PHILOX_FACTOR_0 0xD2511F53u
#define PHILOX_FACTOR_1 0xCD9E8D57u
#define PHILOX_STEP_0 0x9E3779B9u /* golden ratio */
#define PHILOX_STEP_1 0xBB67AE85u /* sqrt(3) - 1 */

struct philox_block philox4x32(struct philox_block counter, uint32_t key0, uint32_t key1)
{
    struct philox_block block = counter;

    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t product0 = (uint64_t)PHILOX_FACTOR_0 * block.word[0];
        uint64_t product1 = (uint64_t)PHILOX_FACTOR_1 * block.word[2];

        block = (struct philox_block){{(uint32_t)(product1 >> 32) ^ block.word[1] ^ key0, (uint32_t)product1,
                                       (uint32_t)(product0 >> 32) ^ block.word[3] ^ key1, (uint32_t)product0}};
        key0 += PHILOX_STEP_0;
        key1 += PHILOX_STEP_1;
    }
    return block;
}

double random_unit(uint64_t seed, uint32_t choice, uint32_t position)
{
    struct philox_block block =
        philox4x32((struct philox_block){{position, choice, 0, 0}}, (uint32_t)seed, (uint32_t)(seed >> 32));
    uint64_t bits = (uint64_t)block.word[0] << 32 | block.word[1];

    return (double)(bits >> 11) * 0x1p-53;
}
