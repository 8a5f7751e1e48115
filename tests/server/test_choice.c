/* server/choice.c: a token log read at every moment gives the same text as read at the end. Uses stories260K's
 * tokenizer, in which id 3 + b is the byte b, 1 and 2 end an answer. */
#include "choice.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tokenizer *tokenizer;

static void setup(void)
{
    const char *shared = getenv("QUIRE_SHARED");
    struct quire_error error = {0};
    char path[1024];

    snprintf(path, sizeof path, "%s/data/models/stories260K-hf", shared != NULL ? shared : ".");
    if (tokenizer_open(path, &tokenizer, &error) != QUIRE_OK) {
        tokenizer = NULL;
        fprintf(stderr, "skipped: no stories260K (%s)\n", error.message);
    }
}

static void teardown(void)
{
    tokenizer_close(tokenizer);
}

TestSuite(choice, .init = setup, .fini = teardown);

static struct request *request_of(uint32_t token_max, const char *stop, bool ignore_eos)
{
    static const uint32_t prompt[] = {1};
    struct request_bytes stops = {stop, stop != NULL ? strlen(stop) : 0};
    struct request_spec spec = {.prompt = prompt, .prompt_tokens = 1, .choice_count = 1, .token_max = token_max, .top_p = 1,
                                .repetition_penalty = 1, .stops = &stops, .stop_count = stop != NULL, .skip_special = true,
                                .ignore_eos = ignore_eos, .logprobs = true};
    struct request *request;
    struct quire_error error;

    cr_assert_eq(request_create(&spec, &request, &error), QUIRE_OK, "%s", error.message);
    return request;
}

/* The token that spells just this letter, and is not its byte. */
static uint32_t letter(char wanted)
{
    for (uint32_t id = 259; id < tokenizer_vocab_size(tokenizer); id++) {
        const char *spelling = tokenizer_spelling(tokenizer, id);
        if (spelling != NULL && spelling[0] == wanted && spelling[1] == '\0')
            return id;
    }
    cr_assert_fail("no token spells '%c'", wanted);
    return 0;
}

static void append(struct request *request, uint32_t id)
{
    struct token_log *log = &request->logs[0];
    uint32_t count = atomic_load(&log->count);

    log->entries[count] = (struct step_token){id, -1};
    atomic_store(&log->count, count + 1);
}

/* Reads what is new, checks that it continues `expected`, and adds it to `so_far`. */
static struct choice_news read_news(struct choice *choice, char *so_far, const char *expected)
{
    struct choice_news news;

    choice->view_count = 0;
    cr_assert(choice_advance(choice, true, UINT32_MAX, &news));
    cr_assert_eq(choice->view_count, news.token_count);
    cr_assert_not(choice_has_news(choice));
    strncat(so_far, choice->text.bytes != NULL ? choice->text.bytes : "", news.text_bytes);
    choice_take(choice, &news);
    cr_assert_eq(strncmp(expected, so_far, strlen(so_far)), 0, "'%s' does not begin '%s'", so_far, expected);
    return news;
}

Test(choice, text_comes_out_in_whole_characters)
{
    if (tokenizer == NULL)
        cr_skip_test("no stories260K: set QUIRE_SHARED");
    static const char text[] = "K\xc3\xa4se \xf0\x9f\x99\x82!";
    struct request *request = request_of(32, NULL, false);
    struct choice choice;
    char so_far[64] = "";

    choice_init(&choice, request, 0, 0, tokenizer);
    cr_expect_not(choice_has_news(&choice));
    for (size_t i = 0; text[i] != '\0'; i++) {
        append(request, 3 + (unsigned char)text[i]);
        cr_expect(choice_has_news(&choice));
        read_news(&choice, so_far, text);
    }
    cr_expect_str_eq(so_far, "", "a run of byte tokens is certain at its end");
    atomic_store(&request->logs[0].finish, FINISH_LENGTH);
    cr_expect_eq(read_news(&choice, so_far, text).finish, FINISH_LENGTH);
    cr_expect_str_eq(so_far, text);
    cr_expect_eq(choice.read_count, strlen(text));
    cr_expect_eq(choice.characters, 7);
    choice_deinit(&choice);
    request_unref(request);
}

Test(choice, offsets_count_characters)
{
    if (tokenizer == NULL)
        cr_skip_test("no stories260K: set QUIRE_SHARED");
    static const unsigned char text[] = "a\xc3\xa4z";
    static const size_t offsets[] = {0, 1, 1, 2}; /* a; then both bytes of the next begin where nothing is certain yet */
    struct request *request = request_of(8, NULL, false);
    struct choice choice;
    struct choice_news news;

    for (size_t i = 0; i < 4; i++)
        append(request, 3u + text[i]);
    atomic_store(&request->logs[0].finish, FINISH_LENGTH);
    choice_init(&choice, request, 0, 0, tokenizer);
    cr_assert(choice_advance(&choice, true, UINT32_MAX, &news));
    cr_assert_eq(choice.view_count, 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(choice.views[i].text_offset, offsets[i], "token %zu", i);
    choice_deinit(&choice);
    request_unref(request);
}

Test(choice, id_that_may_end_the_answer_waits_for_the_verdict)
{
    if (tokenizer == NULL)
        cr_skip_test("no stories260K: set QUIRE_SHARED");
    for (int ends = 0; ends < 2; ends++) {
        struct request *request = request_of(8, NULL, false);
        struct choice choice;
        char so_far[64] = "";
        struct choice_news news;

        choice_init(&choice, request, 0, 0, tokenizer);
        append(request, letter('a'));
        append(request, 2);
        news = read_news(&choice, so_far, "ab");
        cr_expect_eq(news.token_count, 1, "the id is held back");
        if (ends) {
            request->logs[0].stop_token = 2;
            atomic_store(&request->logs[0].finish, FINISH_STOP);
        } else { /* such as where the id is the last that max_tokens allows */
            append(request, letter('b'));
        }
        cr_expect(choice_has_news(&choice));
        news = read_news(&choice, so_far, "ab");
        cr_expect_str_eq(so_far, ends ? "a" : "ab");
        cr_expect_eq(news.token_count, ends ? 1 : 2, "the id itself is told");
        choice_deinit(&choice);
        request_unref(request);
    }
}

Test(choice, text_that_may_become_a_stop_string_is_held_back)
{
    if (tokenizer == NULL)
        cr_skip_test("no stories260K: set QUIRE_SHARED");
    struct request *request = request_of(16, "END", false);
    struct choice choice;
    char so_far[64] = "";

    choice_init(&choice, request, 0, 0, tokenizer);
    append(request, letter('x'));
    append(request, letter('E'));
    atomic_store(&request->logs[0].text_safe_bytes, 1);
    read_news(&choice, so_far, "x");
    cr_expect_str_eq(so_far, "x");
    append(request, letter('N'));
    append(request, letter('D'));
    request->logs[0].text_final_bytes = 1;
    request->logs[0].stop_index = 0;
    atomic_store(&request->logs[0].finish, FINISH_STOP);
    read_news(&choice, so_far, "x");
    cr_expect_str_eq(so_far, "x");
    cr_expect_eq(choice.read_count, 4);
    choice_deinit(&choice);
    request_unref(request);
}

Test(choice, bound_inside_a_character_is_rounded_down)
{
    if (tokenizer == NULL)
        cr_skip_test("no stories260K: set QUIRE_SHARED");
    struct request *request = request_of(16, "\xa4", false); /* could only match inside a character */
    struct choice choice;
    char so_far[64] = "";

    choice_init(&choice, request, 0, 0, tokenizer);
    append(request, letter('x'));
    append(request, 3 + 0xc3);
    append(request, 3 + 0xa5);
    append(request, letter('y'));
    atomic_store(&request->logs[0].text_safe_bytes, 2);
    read_news(&choice, so_far, "x\xc3\xa5y");
    cr_expect_str_eq(so_far, "x");
    atomic_store(&request->logs[0].finish, FINISH_LENGTH);
    read_news(&choice, so_far, "x\xc3\xa5y");
    cr_expect_str_eq(so_far, "x\xc3\xa5y");
    choice_deinit(&choice);
    request_unref(request);
}

Test(choice, read_in_portions_gives_the_same_as_at_once)
{
    if (tokenizer == NULL)
        cr_skip_test("no stories260K: set QUIRE_SHARED");
    static const char text[] = "Portions, K\xc3\xa4se \xf0\x9f\x99\x82, and the end";
    for (uint32_t portion = 2; portion < 9; portion++) {
        struct request *request = request_of(64, NULL, false);
        struct choice choice;
        struct choice_news news;
        char so_far[64] = "";
        size_t views = 0;

        for (size_t i = 0; text[i] != '\0'; i++)
            append(request, 3 + (unsigned char)text[i]);
        append(request, 2); /* the end of the sequence: told, but no text */
        request->logs[0].stop_token = 2;
        atomic_store(&request->logs[0].finish, FINISH_STOP);
        choice_init(&choice, request, 0, 0, tokenizer);
        do {
            cr_assert(choice_has_news(&choice));
            choice.view_count = 0;
            cr_assert(choice_advance(&choice, true, portion, &news));
            cr_assert_leq(news.token_count, portion);
            views += choice.view_count;
            strncat(so_far, choice.text.bytes != NULL ? choice.text.bytes : "", news.text_bytes);
            choice_take(&choice, &news);
        } while (news.finish == FINISH_NONE);
        cr_expect_not(choice_has_news(&choice));
        cr_expect_str_eq(so_far, text);
        cr_expect_eq(views, strlen(text) + 1);
        choice_deinit(&choice);
        request_unref(request);
    }
}
