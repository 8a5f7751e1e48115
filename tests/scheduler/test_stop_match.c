/* Stop strings: found wherever the pieces are cut, and never shown. */
#include "stop_match.h"

#include <criterion/criterion.h>
#include <string.h>

static struct request *with_stops(const char *const *stops, uint32_t count)
{
    static const uint32_t prompt[] = {1};
    struct request_bytes bytes[8];
    struct request_spec spec = {.prompt = prompt, .prompt_tokens = 1, .choice_count = 1, .token_max = 1, .top_p = 1.0f,
                                .repetition_penalty = 1.0f, .stops = bytes, .stop_count = count};
    struct request *request = NULL;

    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (struct request_bytes){.bytes = stops[i], .count = strlen(stops[i])};
    cr_assert_eq(request_create(&spec, &request, NULL), QUIRE_OK);
    return request;
}

Test(stop_match, finds_a_string_across_pieces_and_holds_back_its_beginning)
{
    const char *stops[] = {"STOP"};
    struct request *request = with_stops(stops, 1);
    struct stop_match match = {0};
    uint32_t index = 99;
    uint64_t start = 99;

    cr_expect_not(stop_match_feed(&match, request, "Hello S", 7, &index, &start));
    cr_expect_eq(stop_match_safe_bytes(&match, request), 6);
    cr_expect_not(stop_match_feed(&match, request, "TO", 2, &index, &start));
    cr_expect_eq(stop_match_safe_bytes(&match, request), 6);
    cr_expect(stop_match_feed(&match, request, "Ping", 4, &index, &start));
    cr_expect_eq(index, 0);
    cr_expect_eq(start, 6);
    request_unref(request);
}

Test(stop_match, broken_off_beginning_becomes_safe)
{
    const char *stops[] = {"aabaac"};
    struct request *request = with_stops(stops, 1);
    struct stop_match match = {0};
    uint32_t index;
    uint64_t start;

    /* After "aabaa" comes "b": the last "aab" can still be a beginning. */
    cr_expect_not(stop_match_feed(&match, request, "aabaab", 6, &index, &start));
    cr_expect_eq(stop_match_safe_bytes(&match, request), 3);
    cr_expect(stop_match_feed(&match, request, "aac", 3, &index, &start));
    cr_expect_eq(start, 3);
    request_unref(request);
}

Test(stop_match, first_to_be_complete_wins_and_then_the_first_of_the_list)
{
    const char *stops[] = {"abcd", "bc", "abc"};
    struct request *request = with_stops(stops, 3);
    struct stop_match match = {0};
    uint32_t index;
    uint64_t start;

    cr_expect(stop_match_feed(&match, request, "xabcd", 5, &index, &start));
    cr_expect_eq(index, 1);
    cr_expect_eq(start, 2);
    request_unref(request);
}

Test(stop_match, passes_by_what_ends_early_but_a_later_overlap_counts)
{
    const char *stops[] = {"aba"};
    struct request *request = with_stops(stops, 1);
    struct stop_match match = {.passed_bytes = 3};
    uint32_t index;
    uint64_t start;

    cr_expect_not(stop_match_feed(&match, request, "aba", 3, &index, &start));
    cr_expect_eq(stop_match_safe_bytes(&match, request), 2);
    cr_expect(stop_match_feed(&match, request, "ba", 2, &index, &start));
    cr_expect_eq(start, 2);
    request_unref(request);
}

static uint32_t random_state = 12345;

static uint32_t below(uint32_t bound)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % bound;
}

/* The definition, naively: over random texts of two letters, cut at random, against memcmp at every place. */
Test(stop_match, agrees_with_naive_search)
{
    for (uint32_t round = 0; round < 3000; round++) {
        char text[64], stop[3][8];
        const char *stops[3] = {stop[0], stop[1], stop[2]};
        uint32_t count = 1 + below(3), text_bytes = 1 + below(60), at = 0, found_index = 0, wanted_index = 0;
        uint64_t found = UINT64_MAX, wanted = UINT64_MAX, safe = 0;
        struct stop_match match = {0};

        for (uint32_t s = 0; s < count; s++) {
            uint32_t length = 1 + below(7);

            for (uint32_t i = 0; i < length; i++)
                stop[s][i] = (char)('a' + below(2));
            stop[s][length] = '\0';
        }
        for (uint32_t i = 0; i < text_bytes; i++)
            text[i] = (char)('a' + below(2));
        for (uint32_t end = 1; end <= text_bytes && wanted == UINT64_MAX; end++) {
            for (uint32_t s = 0; s < count; s++) {
                uint32_t length = (uint32_t)strlen(stop[s]);

                if (wanted == UINT64_MAX && length <= end && memcmp(text + end - length, stop[s], length) == 0) {
                    wanted = end - length;
                    wanted_index = s;
                }
            }
        }

        struct request *request = with_stops(stops, count);
        while (at < text_bytes && found == UINT64_MAX) {
            uint32_t piece = 1 + below(text_bytes - at);

            stop_match_feed(&match, request, text + at, piece, &found_index, &found);
            at += piece;
            if (found == UINT64_MAX) {
                cr_assert_geq(stop_match_safe_bytes(&match, request), safe);
                safe = stop_match_safe_bytes(&match, request);
                cr_assert_leq(safe, wanted);
            }
        }
        cr_assert_eq(found, wanted);
        cr_assert(wanted == UINT64_MAX || found_index == wanted_index);
        request_unref(request);
    }
}
