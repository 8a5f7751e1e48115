/* Fuzz target for tokenizer.json. The input is one, and may hold two members more: "text" is encoded, "config" stands
 * for the tokenizer_config.json beside it. What is no JSON goes to the loader as it is. The mutator works on values, so
 * that most of its inputs load: see json_mutate.c. Thread: one. Owner: the process. */
#include "fuzz.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    json_t *root = json_loadb((const char *)bytes, count, JSON_ALLOW_NUL, NULL);
    json_t *text = json_object_get(root, "text"), *config = json_object_get(root, "config");

    scratch_write("tokenizer.json", bytes, count);
    if (config != NULL) {
        char *dump = json_dumps(config, JSON_COMPACT | JSON_ENCODE_ANY);
        scratch_write("tokenizer_config.json", dump, strlen(dump));
        free(dump);
    } else {
        scratch_remove("tokenizer_config.json");
    }
    exercise_tokenizer(NULL, json_is_string(text) ? json_string_value(text) : "", json_string_length(text));
    json_decref(root);
    return 0;
}
