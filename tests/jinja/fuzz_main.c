/* Drives fuzz_template.c without libFuzzer: mutates the templates of small_cases.json for a bounded number of rounds, from a
 * fixed seed, so that a failure can be repeated. Argument: rounds.
 * Thread: one. Owner: the process. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#define INPUT_MAX 2048u

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 33) % below);
}

static json_t *load_seeds(void)
{
    const char *folder = getenv("QUIRE_FIXTURES");
    char path[4096];
    char *line = NULL;
    size_t line_max = 0;
    ssize_t count;
    json_t *seeds = json_array();
    FILE *file;

    snprintf(path, sizeof path, "%s/small_cases.json", folder != NULL ? folder : ".");
    file = fopen(path, "rb");
    if (file == NULL)
        return seeds;
    while ((count = getline(&line, &line_max, file)) > 0) {
        json_t *row = json_loadb(line, (size_t)count, JSON_ALLOW_NUL, NULL);
        if (json_is_array(row) && json_string_length(json_array_get(row, 0)) < INPUT_MAX / 2)
            json_array_append(seeds, json_array_get(row, 0));
        json_decref(row);
    }
    free(line);
    fclose(file);
    return seeds;
}

/* A piece of one template into another, and a few bytes changed, repeated or dropped. */
static size_t mutate(const json_t *seeds, uint8_t *out)
{
    static const char *const words[] = {"{{", "}}", "{%", "%}", "-", "|", "(", ")", "[", "]", "'", "\"", "\\", "*", "**", "~",
                                        "."};
    const json_t *first = json_array_get(seeds, draw((uint32_t)json_array_size(seeds)));
    const json_t *second = json_array_get(seeds, draw((uint32_t)json_array_size(seeds)));
    size_t count = json_string_length(first), at, piece;

    memcpy(out, json_string_value(first), count);
    for (uint32_t changes = draw(4); changes > 0; changes--) {
        const char *word = words[draw(sizeof words / sizeof *words)];
        at = draw((uint32_t)count + 1);
        switch (draw(4)) {
        case 0: /* a piece of the other */
            piece = draw((uint32_t)json_string_length(second) + 1);
            if (count + piece > INPUT_MAX)
                break;
            memmove(out + at + piece, out + at, count - at);
            memcpy(out + at, json_string_value(second), piece);
            count += piece;
            break;
        case 1: /* a word of the language */
            if (count + 2 > INPUT_MAX)
                break;
            memmove(out + at + strlen(word), out + at, count - at);
            memcpy(out + at, word, strlen(word));
            count += strlen(word);
            break;
        case 2: /* a gap */
            piece = draw((uint32_t)(count - at) + 1);
            piece = piece > 8 ? 8 : piece;
            memmove(out + at, out + at + piece, count - at - piece);
            count -= piece;
            break;
        default:
            if (at < count)
                out[at] = (uint8_t)draw(256);
            break;
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    json_t *seeds = load_seeds();
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
    uint8_t input[INPUT_MAX];

    if (json_array_size(seeds) == 0) {
        fprintf(stderr, "no seeds: QUIRE_FIXTURES names no folder with small_cases.json\n");
        return 1;
    }
    for (long i = 0; i < rounds; i++)
        LLVMFuzzerTestOneInput(input, mutate(seeds, input));
    json_decref(seeds);
    return 0;
}
