/* Values of options from text, besides config_parse_size. False leaves `out` as it was. */
#ifndef QUIRE_CONFIG_VALUE_H
#define QUIRE_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

bool value_parse_switch(const char *text, bool *out);    /* true, 1, yes, on; false, 0, no, off */
bool value_parse_level(const char *text, uint32_t *out); /* error, warning, info, debug: enum log_level */
/* Decimal digits and nothing else, within [minimum, maximum]. */
bool value_parse_count(const char *text, uint64_t minimum, uint64_t maximum, uint32_t *out);

#endif
