/* Fuzz target for the files of a model folder. The input is a tokenizer.json, and may hold two members more: "text" is
 * encoded, "files" holds the files beside it by name, as JSON or, in a string, as bytes. Where it has "files" but no
 * "model", the folder has no tokenizer.json. What is no JSON goes to the loader as it is. The mutator works on values,
 * so that most of its inputs load: see json_mutate.c. Thread: one. Owner: the process. */
#include "fuzz.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void write_beside(const json_t *files)
{
    static const char *const names[] = {
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",      "chat_template.json",
        "chat_template.jinja",   "config.json",             "generation_config.json", "vocab.json",
        "merges.txt",            "vocab.txt",               "tekken.json",            "tiktoken.model",
    };
    static bool there[sizeof names / sizeof *names];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *file = json_object_get(files, names[i]);
        char *dump = file == NULL || json_is_string(file) ? NULL : json_dumps(file, JSON_COMPACT | JSON_ENCODE_ANY);
        if (json_is_string(file))
            scratch_write(names[i], json_string_value(file), json_string_length(file));
        else if (dump != NULL)
            scratch_write(names[i], dump, strlen(dump));
        else if (there[i])
            scratch_remove(names[i]);
        there[i] = json_is_string(file) || dump != NULL;
        free(dump);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    json_t *root = json_loadb((const char *)bytes, count, JSON_ALLOW_NUL, NULL);
    json_t *text = json_object_get(root, "text"), *files = json_object_get(root, "files");

    write_beside(files);
    if (json_object_size(files) > 0 && json_object_get(root, "model") == NULL)
        scratch_remove("tokenizer.json");
    else
        scratch_write("tokenizer.json", bytes, count);
    exercise_tokenizer(NULL, json_is_string(text) ? json_string_value(text) : "", json_string_length(text));
    json_decref(root);
    return 0;
}
