/* Thread: any. Owner: nobody. */
#include "fuzz.h"

bool is_utf8(const char *bytes, size_t count)
{
    const unsigned char *at = (const unsigned char *)bytes;
    const unsigned char *end = count > 0 ? at + count : at; /* NULL + 0 is undefined */

    while (at < end) {
        size_t more = *at < 0x80 ? 0 : *at >= 0xC2 && *at <= 0xDF ? 1 : *at >= 0xE0 && *at <= 0xEF ? 2 : 3;
        unsigned low = *at == 0xE0 ? 0xA0 : *at == 0xF0 ? 0x90 : 0x80;
        unsigned high = *at == 0xED ? 0x9F : *at == 0xF4 ? 0x8F : 0xBF;
        if ((*at >= 0x80 && *at < 0xC2) || *at > 0xF4 || (size_t)(end - at) <= more)
            return false;
        for (size_t i = 1; i <= more; i++, low = 0x80, high = 0xBF) {
            if (at[i] < low || at[i] > high)
                return false;
        }
        at += more + 1;
    }
    return true;
}
