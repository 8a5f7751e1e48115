/* See json_file.h. Any thread. */
#include "json_file.h"

#include "file_open.h"
#include "quote.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* jansson has no keys with NUL, but vocabularies of characters do. */
static void nul_keys_hide(char *text, size_t count)
{
    if (memmem(text, count, "\\u0000", 6) == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        if (text[i] != '"')
            continue;
        size_t start = ++i;
        while (i < count && text[i] != '"')
            i += text[i] == '\\' ? 2 : 1;
        size_t end = i < count ? i : count, behind = end + 1;
        while (behind < count && strchr(" \t\r\n", text[behind]) != NULL && text[behind] != '\0')
            behind++;
        bool is_key = behind < count && text[behind] == ':';
        for (size_t at = start; is_key && at + 6 <= end; at += text[at] == '\\' ? 2 : 1)
            if (memcmp(text + at, "\\u0000", 6) == 0)
                memcpy(text + at, "\\uFDD0", 6);
    }
}

enum quire_status json_file_load(const char *path, size_t bytes_max, size_t flags, json_t **out,
                                 struct quire_error *error)
{
    int descriptor = -1;
    uint64_t file_bytes;
    char *text = NULL;
    json_t *json = NULL;
    json_error_t reason;
    struct quote quote; /* jansson shows a piece of the file */
    enum quire_status status = file_open(path, &descriptor, &file_bytes, error);

    if (status != QUIRE_OK)
        return status;
    if (file_bytes > bytes_max) {
        status = quire_fail(error, QUIRE_LIMIT, "%s: has %llu bytes; at most %zu are read", path,
                            (unsigned long long)file_bytes, bytes_max);
        goto done;
    }
    text = malloc((size_t)file_bytes + 1);
    if (text == NULL) {
        status =
            quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory for %llu bytes", path, (unsigned long long)file_bytes);
        goto done;
    }
    status = file_read_exact(descriptor, path, 0, text, (size_t)file_bytes, error);
    if (status != QUIRE_OK)
        goto done;
    nul_keys_hide(text, (size_t)file_bytes);
    json = json_loadb(text, (size_t)file_bytes, flags, &reason);
    if (json == NULL || !json_is_object(json)) {
        status = json == NULL ? quire_fail(error, QUIRE_BAD_FILE, "%s: line %d, column %d: not valid JSON: %s", path,
                                           reason.line, reason.column,
                                           quote_name(&quote, reason.text, strlen(reason.text)))
                              : quire_fail(error, QUIRE_BAD_FILE, "%s: not a JSON object", path);
        json_decref(json);
        goto done;
    }
    *out = json;
done:
    free(text);
    close(descriptor);
    return status;
}
