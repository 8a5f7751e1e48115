/* Times the text side of the server. Main's thread; nothing else runs. */
#include "bench_text.h"

#include "bench_text_sample.h"
#include "cli.h"
#include "model_template.h"
#include "tokenizer.h"
#include "wake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READINGS 5u
#define READING_NS UINT64_C(200000000)
#define TEXT_BYTES ((size_t)1000000)
#define CHAT_TURNS 50u /* a question and its answer each */
#define ROWS_MAX 8u

struct text_row {
    const char *phase, *text; /* what was done to what */
    size_t bytes, tokens;     /* tokens 0: none came into it */
    double seconds[READINGS]; /* of one run, sorted */
};

struct text_bench {
    struct tokenizer *tokenizer;
    const struct jinja_template *template;
    json_t *chat; /* the variables of the template */
    struct text text;
    struct token_list ids;
    struct text_row rows[ROWS_MAX];
    uint32_t row_count;
    struct quire_error no_chat; /* why there is no row for it */
};

/* One run. Sets the row's `bytes` and `tokens`. */
typedef enum quire_status run_function(struct text_bench *bench, struct text_row *row, struct quire_error *error);

static enum quire_status run_encode(struct text_bench *bench, struct text_row *row, struct quire_error *error)
{
    const struct text_run run = {.text = bench->text.bytes, .text_bytes = bench->text.count, .trusted = true};
    enum quire_status status;

    bench->ids.count = 0;
    status = tokenizer_encode(bench->tokenizer, &run, 1, false, &bench->ids, error);
    row->bytes = bench->text.count;
    row->tokens = bench->ids.count;
    return status;
}

static enum quire_status run_decode(struct text_bench *bench, struct text_row *row, struct quire_error *error)
{
    struct detokenizer detokenizer;
    struct text out = {0};
    enum quire_status status = QUIRE_OK;

    detokenizer_init(&detokenizer, bench->tokenizer, true);
    for (size_t i = 0; status == QUIRE_OK && i < bench->ids.count; i++)
        status = detokenizer_feed(&detokenizer, bench->ids.ids[i], &out);
    if (status == QUIRE_OK)
        status = detokenizer_finish(&detokenizer, &out);
    row->bytes = out.count;
    row->tokens = bench->ids.count;
    text_deinit(&out);
    return status == QUIRE_OK ? status : quire_fail(error, status, "no memory for the text");
}

static enum quire_status run_render(struct text_bench *bench, struct text_row *row, struct quire_error *error)
{
    struct jinja_output output = {0};
    enum quire_status status = jinja_render(bench->template, bench->chat, NULL, &output, error);

    row->bytes = output.text_bytes;
    jinja_output_deinit(&output);
    return status;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static enum quire_status measure(struct text_bench *bench, const char *phase, const char *text, run_function *run,
                                 struct quire_error *error)
{
    struct text_row *row = &bench->rows[bench->row_count++];
    enum quire_status status;

    *row = (struct text_row){.phase = phase, .text = text};
    status = run(bench, row, error); /* warms up */
    for (uint32_t i = 0; i < READINGS && status == QUIRE_OK; i++) {
        uint64_t start_ns = waker_now_ns(), passed_ns = 0;
        uint32_t runs = 0;

        for (; status == QUIRE_OK && passed_ns < READING_NS; passed_ns = waker_now_ns() - start_ns, runs++)
            status = run(bench, row, error);
        row->seconds[i] = (double)passed_ns * 1e-9 / runs;
    }
    qsort(row->seconds, READINGS, sizeof row->seconds[0], by_size);
    return status;
}

/* ---- what is measured -------------------------------------------------------------------------------------------- */

static enum quire_status text_fill(struct text *text, const char *const *sentences, struct quire_error *error)
{
    enum quire_status status = QUIRE_OK;
    uint64_t state = 1; /* always the same shuffle (Knuth's MMIX generator) */
    size_t count = 0;

    while (sentences[count] != NULL)
        count++;
    text->count = 0;
    while (status == QUIRE_OK && text->count < TEXT_BYTES) {
        const char *sentence = sentences[(state >> 33) % count];

        status = text_append(text, sentence, strlen(sentence));
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    }
    return status == QUIRE_OK ? status : quire_fail(error, status, "no memory for the text");
}

static enum quire_status text_read(struct text *text, const char *path, struct quire_error *error)
{
    enum quire_status status;
    FILE *file = fopen(path, "rbe");

    if (file == NULL)
        return quire_fail(error, QUIRE_IO, "cannot read %s: %s", path, strerror(errno));
    status = stream_read_all(file, path, &text->bytes, &text->count, error);
    text->count_max = text->count;
    fclose(file);
    return status;
}

static enum quire_status measure_texts(struct text_bench *bench, const char *path, struct quire_error *error)
{
    static const char *const letter[] = {"a", NULL};
    enum quire_status status = QUIRE_OK;

    if (path != NULL) {
        status = text_read(&bench->text, path, error);
        if (status == QUIRE_OK)
            status = measure(bench, "encode", path, run_encode, error);
        return status == QUIRE_OK ? measure(bench, "decode", path, run_decode, error) : status;
    }
    for (const struct sample *sample = samples; sample->name != NULL && status == QUIRE_OK; sample++) {
        status = text_fill(&bench->text, sample->sentences, error);
        if (status == QUIRE_OK)
            status = measure(bench, "encode", sample->name, run_encode, error);
        if (status == QUIRE_OK)
            status = measure(bench, "decode", sample->name, run_decode, error);
    }
    if (status == QUIRE_OK)
        status = text_fill(&bench->text, letter, error);
    return status == QUIRE_OK ? measure(bench, "encode", "one letter", run_encode, error) : status;
}

/* A model without a usable template is measured without it. */
static void measure_chat(struct text_bench *bench)
{
    json_t *turns = json_loads(chat_turns, 0, NULL), *messages = json_array();

    if (bench->template == NULL)
        bench->no_chat = (struct quire_error){"there is no chat template; --chat-template FILE names one"};
    for (size_t i = 0; i < 2 * CHAT_TURNS; i++)
        json_array_append(messages, json_array_get(turns, i % json_array_size(turns)));
    json_decref(turns);
    bench->chat = json_pack("{s:o, s:o, s:n, s:b, s:s, s:s}", "messages", messages, "tools",
                            json_loads(chat_tools, 0, NULL), "documents", "add_generation_prompt", 1, "bos_token", "<s>",
                            "eos_token", "</s>");
    if (bench->template != NULL && measure(bench, "render", "50 turns, tools", run_render, &bench->no_chat) != QUIRE_OK)
        bench->row_count--;
}

/* ---- report ------------------------------------------------------------------------------------------------------ */

static double megabytes_per_s(const struct text_row *row, uint32_t reading)
{
    return (double)row->bytes * 1e-6 / row->seconds[reading];
}

static void report_text(const struct text_bench *bench)
{
    printf("phase   text                bytes   tokens        ms     MB/s  (min .. max)\n");
    for (uint32_t i = 0; i < bench->row_count; i++) {
        const struct text_row *row = &bench->rows[i];

        printf("%-7s %-15.40s %9zu %8zu %9.3f %8.2f  (%.2f .. %.2f)\n", row->phase, row->text, row->bytes, row->tokens,
               1e3 * row->seconds[READINGS / 2], megabytes_per_s(row, READINGS / 2), megabytes_per_s(row, READINGS - 1),
               megabytes_per_s(row, 0));
    }
    if (bench->no_chat.message[0] != '\0')
        printf("render  not measured: %s\n", bench->no_chat.message);
}

static bool report_json(const struct text_bench *bench)
{
    json_t *rows = json_array(), *root = json_pack("{s:o}", "rows", rows);
    bool complete = root != NULL;

    if (complete && bench->no_chat.message[0] != '\0')
        complete = json_object_set_new(root, "render_error", json_string(bench->no_chat.message)) == 0;
    for (uint32_t i = 0; i < bench->row_count && complete; i++) {
        const struct text_row *row = &bench->rows[i];

        complete = json_array_append_new(
                       rows, json_pack("{s:s, s:s, s:I, s:I, s:{s:f, s:f, s:f}, s:f}", "phase", row->phase, "text",
                                       row->text, "bytes", (json_int_t)row->bytes, "tokens", (json_int_t)row->tokens,
                                       "seconds", "median", row->seconds[READINGS / 2], "min", row->seconds[0], "max",
                                       row->seconds[READINGS - 1], "mb_per_s", megabytes_per_s(row, READINGS / 2))) == 0;
    }
    complete = complete && json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0 && putchar('\n') != EOF;
    json_decref(root);
    return complete;
}

enum quire_status command_bench_tokenize(struct config *config, struct quire_error *error)
{
    struct text_bench bench = {0};
    struct model_templates templates = {0};
    enum quire_status status = tokenizer_open(config->model, &bench.tokenizer, error);

    if (status == QUIRE_OK)
        status = model_templates_load(config->chat_template, bench.tokenizer, &templates, error);
    bench.template = model_templates_tools(&templates)->program;
    if (status == QUIRE_OK)
        status = measure_texts(&bench, config->file, error);
    if (status == QUIRE_OK)
        measure_chat(&bench);
    if (status == QUIRE_OK && !config->json)
        report_text(&bench);
    else if (status == QUIRE_OK && !report_json(&bench))
        status = quire_fail(error, QUIRE_IO, "the benchmark's report could not be written");
    text_deinit(&bench.text);
    token_list_deinit(&bench.ids);
    json_decref(bench.chat);
    model_templates_deinit(&templates);
    tokenizer_close(bench.tokenizer);
    return status;
}
