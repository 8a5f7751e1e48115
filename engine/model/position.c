/* RoPE arXiv:2104.09864; scalings are folded into the frequencies at load. Any thread. */
#include "position.h"

#include <math.h>

void position_rotation(const struct arch_rope *rope, uint32_t position, float *cosine, float *sine)
{
    for (uint32_t i = 0; i < rope->dims / 2; i++) {
        /* The angle is rounded to f32 because the models were trained with angles rounded so. */
        float angle = (float)position * rope->inverse_frequency[i];

        cosine[i] = (float)cos((double)angle) * rope->attention_factor;
        sine[i] = (float)sin((double)angle) * rope->attention_factor;
    }
}
