/* Typed access to a JSON object whose first failure sticks, so that a reader of many fields is a list of lines.
 * Private to arch_config_json.c and its helpers. */
#ifndef QUIRE_CONFIG_JSON_H
#define QUIRE_CONFIG_JSON_H

#include "status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct config {
    const json_t *json;
    const char *path;   /* of the file, for errors */
    const char *within; /* "" or "rope_scaling." */
    enum quire_status status;
    struct quire_error *error;
};

#define CONFIG_REQUIRED UINT32_MAX /* as `otherwise`: the field must be there */

/* An absent field or null gives `otherwise`; so does everything after a failure. */
uint32_t config_u32(struct config *config, const char *key, uint32_t otherwise, uint32_t min, uint32_t max);
double config_number(struct config *config, const char *key, double otherwise); /* finite, or `otherwise` */
bool config_bool(struct config *config, const char *key, bool otherwise);
const char *config_string(struct config *config, const char *key, const char *otherwise);
/* NULL where absent or null. */
const json_t *config_array(struct config *config, const char *key);
const json_t *config_object(struct config *config, const char *key);
bool config_has(const struct config *config, const char *key); /* there, if null */

/* Records a failure, unless there is one already. */
QUIRE_PRINTF(3, 4) void config_fail(struct config *config, enum quire_status status, const char *format, ...);

#endif
