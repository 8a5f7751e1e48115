/* Rotary positions: cosine and sine of every rotated pair of one token. */
#ifndef QUIRE_POSITION_H
#define QUIRE_POSITION_H

#include "arch.h"

/* cosine, sine: [rope->dims / 2], multiplied by the attention factor. */
void position_rotation(const struct arch_rope *rope, uint32_t position, float *cosine, float *sine);

#endif
