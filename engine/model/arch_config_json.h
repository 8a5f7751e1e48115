/* Private to arch_config_json.c and arch_config_rope.c. */
#ifndef QUIRE_ARCH_CONFIG_JSON_H
#define QUIRE_ARCH_CONFIG_JSON_H

#include "arch_config.h"
#include "config_json.h"

/* Fills position.rope and position_max from config.json; failures stick to `top`. */
void arch_read_rope(struct config *top, uint32_t model_len_max, struct arch *arch);

#endif
