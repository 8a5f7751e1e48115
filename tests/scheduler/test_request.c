/* request_create: copies all, bounds all, costs no page that is not touched. */
#include "request_private.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t prompt[] = {5, 6, 7};

static struct request_spec plain(void)
{
    return (struct request_spec){.id = "cmpl-1", .prompt = prompt, .prompt_tokens = 3,
                                 .choice_count = 2, .token_max = 10, .top_p = 1.0f, .repetition_penalty = 1.0f};
}

Test(request, copies_what_it_is_given)
{
    char stop_text[] = "end", salt[] = "tenant";
    uint32_t stop_ids[] = {3, 4};
    struct step_bias biases[] = {{.id = 9, .value = -1.5f}};
    struct request_bytes stops[] = {{.bytes = stop_text, .count = 3}};
    struct request_spec spec = plain();
    struct request *request;

    spec.stops = stops, spec.stop_count = 1;
    spec.stop_ids = stop_ids, spec.stop_id_count = 2;
    spec.biases = biases, spec.bias_count = 1;
    spec.cache_salt = (struct request_bytes){.bytes = salt, .count = 6};
    spec.logprobs = true, spec.top_count = 4, spec.prompt_scores = true;
    cr_assert_eq(request_create(&spec, &request, NULL), QUIRE_OK);
    memset(stop_text, 'x', 3), memset(salt, 'x', 6), memset(stop_ids, 0xff, sizeof stop_ids);
    memset(biases, 0, sizeof biases), memset(stops, 0, sizeof stops);

    cr_expect_arr_eq(request->spec.prompt, prompt, sizeof prompt);
    cr_expect_neq(request->spec.prompt, prompt);
    cr_expect_eq(request->spec.stops[0].count, 3);
    cr_expect_arr_eq(request->spec.stops[0].bytes, "end", 3);
    cr_expect_eq(request->spec.stop_ids[1], 4);
    cr_expect_eq(request->spec.biases[0].id, 9);
    cr_expect_str_eq(request->id, "cmpl-1");
    cr_expect_eq(request->spec.id, request->id);
    cr_expect_eq(request->reference_count, 1);
    cr_expect_not(request_finished(request));
    for (uint32_t c = 0; c < 2; c++) {
        struct token_log *log = &request->logs[c];

        log->entries[9].id = c + 1; /* the far ends of all arrays are there and do not overlap */
        log->ranks[9] = c + 1;
        log->tops[39].id = c + 1;
        cr_expect_eq(log->text_final_bytes, UINT64_MAX);
        cr_expect_eq(log->stop_token, STEP_NO_TOKEN);
        cr_expect_eq(log->stop_index, UINT32_MAX);
    }
    request->prompt_outputs[2].rank = 1;
    request->prompt_tops[11].id = 1;
    for (uint32_t c = 0; c < 2; c++) {
        cr_expect_eq(request->logs[c].entries[9].id, c + 1);
        cr_expect_eq(request->logs[c].ranks[9], c + 1);
        cr_expect_eq(request->logs[c].tops[39].id, c + 1);
        request->logs[c].finish = FINISH_LENGTH;
    }
    cr_expect(request_finished(request));
    request_unref(request_ref(request));
    request_unref(request);
    request_unref(NULL);
}

Test(request, leaves_out_what_was_not_asked_for)
{
    struct request_spec spec = plain();
    struct request *request;

    cr_assert_eq(request_create(&spec, &request, NULL), QUIRE_OK);
    cr_expect_null(request->logs[0].ranks);
    cr_expect_null(request->logs[0].tops);
    cr_expect_null(request->prompt_outputs);
    request_unref(request);
}

/* A salt may be as long as a body, and the step thread looks at it often. */
Test(request, salt_is_kept_as_a_digest)
{
    size_t count = 1u << 20;
    char *salt = calloc(1, count);
    struct request_spec spec = plain();
    struct request *requests[5];

    for (size_t i = 0; i < 5; i++) {
        spec.cache_salt = (struct request_bytes){.bytes = salt, .count = i == 0 ? 0 : i == 1 ? count - 1 : count};
        salt[count - 1] = i == 4;
        cr_assert_eq(request_create(&spec, &requests[i], NULL), QUIRE_OK);
        cr_expect_null(requests[i]->spec.cache_salt.bytes);
        cr_expect_eq(requests[i]->spec.cache_salt.count, 0);
        cr_expect_lt(malloc_usable_size(requests[i]), 16384, "the salt itself is kept");
        for (size_t j = 0; j < i; j++)
            cr_expect_eq(memcmp(request_salt_digest(requests[i]), request_salt_digest(requests[j]), 16) == 0,
                         i == 3 && j == 2, "salts %zu and %zu", i, j);
    }
    for (size_t i = 0; i < 5; i++)
        request_unref(requests[i]);
    free(salt);
}

Test(request, long_id_is_cut)
{
    char id[200];
    struct request_spec spec = plain();
    struct request *request;

    memset(id, 'i', sizeof id), id[199] = '\0';
    spec.id = id;
    cr_assert_eq(request_create(&spec, &request, NULL), QUIRE_OK);
    cr_expect_eq(strlen(request->id), REQUEST_ID_BYTES - 1);
    request_unref(request);
}

Test(request, knuth_morris_pratt_table_is_the_textbook_one)
{
    /* Knuth, Morris and Pratt's own example, as lengths of the longest border. */
    const uint16_t wanted[] = {0, 0, 0, 1, 2, 3, 4, 0, 1, 2};
    struct request_bytes stop = {.bytes = "abcabcacab", .count = 10};
    struct request_spec spec = plain();
    struct request *request;

    spec.stops = &stop, spec.stop_count = 1;
    cr_assert_eq(request_create(&spec, &request, NULL), QUIRE_OK);
    cr_expect_arr_eq(request_stop_failure(request, 0), wanted, sizeof wanted);
    request_unref(request);
}

Test(request, values_out_of_range_are_refused_with_a_word)
{
    static struct request_bytes none = {.bytes = "", .count = 0};
    static struct step_bias not_a_number = {.id = 1, .value = NAN}, infinite = {.id = 1, .value = INFINITY};
    struct request_spec rows[16];
    size_t count = 0;

    for (size_t i = 0; i < 16; i++)
        rows[i] = plain();
    rows[count++].prompt_tokens = 0;
    rows[count++].choice_count = 0;
    rows[count++].choice_count = REQUEST_CHOICES_MAX + 1;
    rows[count++].token_max = 0;
    rows[count++].top_count = STEP_TOP_MAX + 1;
    rows[count++].stop_count = REQUEST_STOPS_MAX + 1;
    rows[count].stops = &none, rows[count++].stop_count = 1;
    rows[count++].temperature = NAN;
    rows[count++].temperature = -0.5f;
    rows[count++].top_p = 1.5f;
    rows[count++].min_p = -1.0f;
    rows[count++].repetition_penalty = 0.0f;
    rows[count++].frequency_penalty = INFINITY;
    rows[count].biases = &not_a_number, rows[count++].bias_count = 1;
    rows[count].biases = &infinite, rows[count++].bias_count = 1;
    rows[count++].token_max = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        struct quire_error error = {{0}};
        struct request *request = NULL;

        cr_expect_eq(request_create(&rows[i], &request, &error), QUIRE_INVALID, "row %zu", i);
        cr_expect_null(request);
        cr_expect_str_not_empty(error.message);
    }
}

Test(request, huge_answer_costs_nothing_until_it_is_written)
{
    struct request_spec spec = plain();
    struct request *request;

    spec.choice_count = 128;
    spec.token_max = 1u << 22; /* 128 logs of 32 MiB and of 640 MiB of alternatives */
    spec.top_count = 20;
    enum quire_status status = request_create(&spec, &request, NULL);
    cr_assert(status == QUIRE_OK || status == QUIRE_NO_MEMORY);
    if (status == QUIRE_OK) {
        request->logs[127].tops[(size_t)spec.token_max * 20 - 1].id = 1;
        request_unref(request);
    }
}
