/* Streamed text equals whole text, whatever the ids; broken characters; what a single token stands for. */
#include "fixture.h"

static const char *const names[] = {"gpt2",  "llama3",    "llama2",  "mistral",   "metaspace",
                                    "added", "wordpiece", "unigram", "wordlevel", "splits"};
#define NAMES (sizeof names / sizeof names[0])

/* Valid UTF-8, told apart from the code under test by the C library's own rules: lead byte, continuation, range. */
static bool is_utf8(const struct text *text)
{
    for (size_t i = 0; i < text->count;) {
        unsigned char lead = (unsigned char)text->bytes[i];
        size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : (lead & 0xF0) == 0xE0       ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
        if (length == 0 || length > text->count - i)
            return false;
        for (size_t k = 1; k < length; k++)
            if (((unsigned char)text->bytes[i + k] & 0xC0) != 0x80)
                return false;
        i += length;
    }
    return true;
}

Test(detokenise, streaming_equals_whole_text_at_random_ids)
{
    uint32_t state = 12345;

    for (size_t n = 0; n < NAMES; n++) {
        struct tokenizer *tokenizer = open_or_fail(fixture_path(names[n]));
        uint32_t ids[24], size = tokenizer_vocab_size(tokenizer);
        for (int round = 0; round < 2000; round++) {
            for (size_t i = 0; i < 24; i++) {
                state = state * 1664525u + 1013904223u;
                ids[i] = (state >> 8) % (size + 2); /* two ids that do not exist */
            }
            for (int skip = 0; skip < 2; skip++) {
                struct text whole = decode_ids(tokenizer, ids, 24, skip != 0, false);
                struct text streamed = decode_ids(tokenizer, ids, 24, skip != 0, true);
                cr_assert(text_is(&streamed, whole.bytes, whole.count), "%s: round %d", names[n], round);
                cr_assert(is_utf8(&whole), "%s: round %d", names[n], round);
                text_deinit(&whole);
                text_deinit(&streamed);
            }
        }
        tokenizer_close(tokenizer);
    }
}

/* After every feed what has been given out is valid by itself: no half characters. */
Test(detokenise, a_character_comes_out_whole)
{
    static const char smile[] = "\xF0\x9F\x98\x80!";
    struct tokenizer *tokenizer = open_or_fail(fixture_path("llama2"));
    struct token_list ids = encode_text(tokenizer, smile, sizeof smile - 1, false, false);
    struct detokenizer state;
    struct text out = {0};

    detokenizer_init(&state, tokenizer, true);
    for (size_t i = 0; i < ids.count; i++) {
        cr_assert(detokenizer_feed(&state, ids.ids[i], &out) == QUIRE_OK);
        cr_expect(is_utf8(&out));
        cr_expect(out.count == 0 || out.count >= 4);
    }
    cr_assert(detokenizer_finish(&state, &out) == QUIRE_OK);
    cr_expect(text_is(&out, smile, sizeof smile - 1));
    text_deinit(&out);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

static uint32_t byte_token(const struct tokenizer *tokenizer, unsigned byte)
{
    char want[8];

    snprintf(want, sizeof want, "<0x%02X>", byte);
    for (uint32_t id = 0; id < tokenizer_vocab_size(tokenizer); id++)
        if (tokenizer_spelling(tokenizer, id) != NULL && strcmp(tokenizer_spelling(tokenizer, id), want) == 0)
            return id;
    cr_assert_fail("no %s", want);
    return TOKEN_NONE;
}

/* One U+FFFD for every byte of a broken run of byte tokens (Hugging Face's ByteFallback). */
Test(detokenise, broken_byte_tokens_become_replacement_characters)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("llama2"));
    uint32_t ids[] = {byte_token(tokenizer, 0xE4), byte_token(tokenizer, 0xBD), byte_token(tokenizer, 0xFF)};
    struct text text = decode_ids(tokenizer, ids, 3, false, true);

    cr_expect(text_is(&text, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 9));
    text_deinit(&text);
    text = decode_ids(tokenizer, ids, 2, false, true); /* the end comes in the middle of a character */
    cr_expect(text_is(&text, "\xEF\xBF\xBD\xEF\xBF\xBD", 6));
    text_deinit(&text);
    tokenizer_close(tokenizer);
}

/* In byte-level text one U+FFFD stands for each maximal broken beginning (Unicode, section 3.9; Rust's
 * from_utf8_lossy). */
Test(detokenise, broken_bytes_become_one_replacement_character)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("gpt2"));
    struct token_list ids = encode_text(tokenizer, "\xF0\x90\x90\x80", 4, false, false);
    struct text text = {0};
    struct detokenizer state;

    cr_assert_eq(ids.count, 4); /* the tiny vocabulary has only bytes for it */
    detokenizer_init(&state, tokenizer, false);
    for (int i = 0; i < 3; i++) {
        cr_assert(detokenizer_feed(&state, ids.ids[i], &text) == QUIRE_OK);
        cr_expect_eq(text.count, 0);
    }
    cr_assert(detokenizer_feed(&state, ids.ids[0], &text) == QUIRE_OK);
    cr_expect(text_is(&text, "\xEF\xBF\xBD", 3));
    cr_assert(detokenizer_finish(&state, &text) == QUIRE_OK);
    cr_expect(text_is(&text, "\xEF\xBF\xBD\xEF\xBF\xBD", 6));
    text_deinit(&text);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

/* A fork copies the state; both copies go on by themselves. */
Test(detokenise, state_can_be_copied_in_the_middle_of_a_character)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("gpt2"));
    struct token_list ids = encode_text(tokenizer, "\xF0\x90\x90\x80", 4, false, false);
    struct text first = {0}, second = {0};
    struct detokenizer state;

    detokenizer_init(&state, tokenizer, false);
    cr_assert(detokenizer_feed(&state, ids.ids[0], &first) == QUIRE_OK);
    struct detokenizer fork = state;
    for (size_t i = 1; i < 4; i++)
        cr_assert(detokenizer_feed(&state, ids.ids[i], &first) == QUIRE_OK);
    cr_assert(detokenizer_finish(&fork, &second) == QUIRE_OK);
    cr_expect(text_is(&first, "\xF0\x90\x90\x80", 4));
    cr_expect(text_is(&second, "\xEF\xBF\xBD", 3));
    text_deinit(&first);
    text_deinit(&second);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

Test(detokenise, token_bytes_are_what_a_token_stands_for)
{
    static const struct {
        const char *fixture, *text, *want;
        size_t index;
    } rows[] = {{"llama3", "x the", " the", 1}, {"llama2", "the", " the", 0}, {"gpt2", "\n", "\n", 0}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokenizer *tokenizer = open_or_fail(fixture_path(rows[i].fixture));
        struct token_list ids = encode_text(tokenizer, rows[i].text, strlen(rows[i].text), false, false);
        struct text bytes = {0};
        for (size_t k = rows[i].index; k < ids.count; k++)
            cr_assert(tokenizer_token_bytes(tokenizer, ids.ids[k], &bytes) == QUIRE_OK);
        cr_expect(text_is(&bytes, rows[i].want, strlen(rows[i].want)), "%s: \"%.*s\"", rows[i].fixture,
                  (int)bytes.count, bytes.bytes);
        text_deinit(&bytes);
        token_list_deinit(&ids);
        tokenizer_close(tokenizer);
    }
}

Test(detokenise, ids_out_of_range_are_nothing)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("gpt2"));
    uint32_t ids[] = {TOKEN_NONE, tokenizer_vocab_size(tokenizer)};
    struct text text = decode_ids(tokenizer, ids, 2, false, true);

    cr_expect_eq(text.count, 0);
    cr_expect_null(tokenizer_spelling(tokenizer, ids[1]));
    cr_expect(!tokenizer_is_special(tokenizer, TOKEN_NONE));
    cr_assert(tokenizer_token_bytes(tokenizer, ids[1], &text) == QUIRE_OK);
    cr_expect_eq(text.count, 0);
    text_deinit(&text);
    tokenizer_close(tokenizer);
}
