/* Values of options from text. Pure. */
#include "config_value.h"

#include "config.h"
#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum quire_status config_parse_size(const char *text, size_t *out)
{
    static const char units[] = "KMGT";
    size_t value = 0, shift = 0;
    const char *unit;

    if (!isdigit((unsigned char)*text))
        return QUIRE_INVALID;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(value, (size_t)10, &value) ||
            __builtin_add_overflow(value, (size_t)(*text - '0'), &value))
            return QUIRE_INVALID;
    if (*text != '\0' && (unit = strchr(units, toupper((unsigned char)*text))) != NULL) {
        shift = 10 * (size_t)(unit - units + 1);
        text++;
        if (*text == 'i' && text[1] == 'B')
            text++;
    }
    if (*text == 'B')
        text++;
    if (*text != '\0' || value > SIZE_MAX >> shift)
        return QUIRE_INVALID;
    *out = value << shift;
    return QUIRE_OK;
}

bool value_parse_switch(const char *text, bool *out)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true}, {"1", true}, {"yes", true}, {"on", true}, {"false", false}, {"0", false}, {"no", false},
                 {"off", false}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i].text) == 0) {
            *out = words[i].value;
            return true;
        }
    return false;
}

bool value_parse_level(const char *text, uint32_t *out)
{
    static const char *const names[] = {[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info",
                                        [LOG_DEBUG] = "debug"};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

bool value_parse_count(const char *text, uint64_t minimum, uint64_t maximum, uint32_t *out)
{
    char *end;
    unsigned long long value;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < minimum || value > maximum)
        return false;
    *out = (uint32_t)value;
    return true;
}
