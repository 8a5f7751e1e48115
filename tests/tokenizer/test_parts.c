/* The parts by themselves: vocabulary, added tokens, expressions, byte alphabet, UTF-8, the GGUF expressions. */
#include "fixture.h"

#include "added.h"
#include "byte_alphabet.h"
#include "model.h"
#include "pattern.h"
#include "pre_patterns.h"
#include "unicode.h"

Test(vocabulary, finds_what_was_added)
{
    struct vocabulary vocabulary = {0};
    char spelling[16];

    for (uint32_t id = 0; id < 5000; id++) {
        int bytes = snprintf(spelling, sizeof spelling, "w%u", id * 7);
        cr_assert(vocabulary_add(&vocabulary, id, spelling, (size_t)bytes, false) == QUIRE_OK);
    }
    for (uint32_t id = 0; id < 5000; id++) {
        int bytes = snprintf(spelling, sizeof spelling, "w%u", id * 7);
        cr_assert_eq(vocabulary_find(&vocabulary, spelling, (size_t)bytes), id);
        cr_assert_str_eq(vocabulary_spelling(&vocabulary, id), spelling);
    }
    cr_expect_eq(vocabulary_find(&vocabulary, "w1", 2), TOKEN_NONE);
    cr_expect_eq(vocabulary_find(&vocabulary, "w", 1), TOKEN_NONE);
    cr_expect_eq(vocabulary_find(&vocabulary, "", 0), TOKEN_NONE);
    vocabulary_deinit(&vocabulary);
}

Test(vocabulary, first_id_of_a_spelling_and_primary_spelling_of_an_id)
{
    struct vocabulary vocabulary = {0};

    cr_expect_eq(vocabulary_find(&vocabulary, "a", 1), TOKEN_NONE);
    cr_assert(vocabulary_add(&vocabulary, 3, "a", 1, false) == QUIRE_OK);
    cr_assert(vocabulary_add(&vocabulary, 5, "a", 1, false) == QUIRE_OK);
    cr_assert(vocabulary_add(&vocabulary, 5, "b", 1, false) == QUIRE_OK);
    cr_expect_eq(vocabulary_find(&vocabulary, "a", 1), 3);
    cr_expect_eq(vocabulary_find(&vocabulary, "b", 1), 5);
    cr_expect_str_eq(vocabulary_spelling(&vocabulary, 5), "a");
    cr_assert(vocabulary_add(&vocabulary, 5, "c", 1, true) == QUIRE_OK);
    cr_expect_str_eq(vocabulary_spelling(&vocabulary, 5), "c");
    cr_expect_null(vocabulary_spelling(&vocabulary, 4));
    cr_expect_null(vocabulary_spelling(&vocabulary, 6));
    cr_expect_eq(vocabulary.id_count, 6);
    vocabulary.flags[3] = PIECE_RESERVED;
    cr_expect_eq(vocabulary_find_piece(&vocabulary, "a", 1, false), TOKEN_NONE);
    cr_expect_eq(vocabulary_find_piece(&vocabulary, "a", 1, true), 3);
    cr_expect_eq(vocabulary_find_piece(&vocabulary, "c", 1, true), TOKEN_NONE); /* an added token */
    cr_assert(vocabulary_respell(&vocabulary, 5, "C", 1) == QUIRE_OK);
    cr_expect_str_eq(vocabulary_spelling(&vocabulary, 5), "C");
    cr_expect_eq(vocabulary_find(&vocabulary, "C", 1), TOKEN_NONE);
    vocabulary_deinit(&vocabulary);
}

/* gpt-2/encoder.py, bytes_to_unicode: printable bytes are themselves, the others follow from U+0100 in order. */
Test(byte_alphabet, is_the_one_of_gpt2)
{
    uint32_t next = 0x100;

    for (unsigned byte = 0; byte < 256; byte++) {
        bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        uint32_t want = printable ? byte : next++;
        cr_expect_eq(byte_to_char((unsigned char)byte), want);
        cr_expect_eq(char_to_byte(want), (int)byte);
    }
    cr_expect_eq(next, 0x144);
    cr_expect_eq(char_to_byte(0x144), -1);
    cr_expect_eq(char_to_byte(' '), -1);
    cr_expect_eq(char_to_byte(0xAD), -1);
    cr_expect_eq(char_to_byte(0x2581), -1);
}

Test(utf8, every_scalar_value_goes_there_and_back)
{
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[UTF8_BYTES_MAX];
        size_t at = 0;
        if (c >= 0xD800 && c < 0xE000)
            continue;
        size_t count = utf8_encode(c, bytes);
        cr_assert_eq(utf8_valid_prefix(bytes, count), count);
        cr_assert_eq(utf8_length(bytes[0]), count);
        cr_assert_eq(utf8_next(bytes, &at), c);
        cr_assert_eq(at, count);
        cr_assert_eq(utf8_previous(bytes, &at), c);
        cr_assert_eq(at, 0);
        for (size_t i = 1; i < count; i++)
            cr_assert_eq(utf8_form((const unsigned char *)bytes, i), UTF8_UNFINISHED);
    }
}

/* Table 3-7 of the Unicode standard, written out by its complement: all two-byte beginnings. */
Test(utf8, ill_formed_beginnings_are_broken)
{
    for (unsigned first = 0x80; first < 0x100; first++) {
        for (unsigned second = 0; second < 0x100; second++) {
            unsigned char bytes[] = {(unsigned char)first, (unsigned char)second};
            bool tail = second >= 0x80 && second <= 0xBF;
            bool good = first >= 0xC2 && first <= 0xF4 && tail && !(first == 0xE0 && second < 0xA0) &&
                        !(first == 0xED && second > 0x9F) && !(first == 0xF0 && second < 0x90) &&
                        !(first == 0xF4 && second > 0x8F);
            cr_assert((utf8_form(bytes, 2) != UTF8_BROKEN) == good, "%02X %02X", first, second);
        }
    }
}

/* ---- added tokens ---- */

static void add(struct added_list *list, const char *content, uint32_t id, bool reserved)
{
    struct added_token *token = added_list_add(list);

    cr_assert_not_null(token);
    token->id = id;
    token->reserved = reserved;
    cr_assert(text_append(&token->content, content, strlen(content)) == QUIRE_OK);
}

static void expect_found(const struct added_list *list, const char *text, const char *marks, size_t from, size_t start,
                         size_t end, uint32_t id)
{
    struct added_match match = {0};
    struct added_walk walk = {.search = from, .done = from};
    char bytes[64];

    for (size_t i = 0; i < strlen(text); i++)
        bytes[i] = marks[i] == 't';
    bool found = added_next(list, text, bytes, strlen(text), &walk, &match);
    cr_expect(found == (id != TOKEN_NONE), "%s from %zu", text, from);
    if (found)
        cr_expect(match.start == start && match.end == end && match.id == id, "%s: [%zu, %zu) %u", text, match.start,
                  match.end, match.id);
}

Test(added, leftmost_and_longest_wins)
{
    struct added_list list = {0};

    add(&list, "<a>", 1, true);
    add(&list, "<a><b>", 2, true);
    add(&list, "ab", 3, false);
    add(&list, "abc", 4, false);
    added_list_prepare(&list);
    expect_found(&list, "xx<a><b>", "tttttttt", 0, 2, 8, 2);
    expect_found(&list, "xx<a><c>", "tttttttt", 0, 2, 5, 1);
    expect_found(&list, "xxab", "nnnn", 0, 2, 4, 3);
    expect_found(&list, "abcab", "nnnnn", 0, 0, 3, 4);
    expect_found(&list, "abcab", "nnnnn", 3, 3, 5, 3);
    expect_found(&list, "a<b>", "tttt", 0, 0, 0, TOKEN_NONE);
    /* the longest that is trusted throughout */
    expect_found(&list, "xx<a><b>", "tttttttn", 0, 2, 5, 1);
    expect_found(&list, "xx<a><b>", "ttntttttt", 0, 0, 0, TOKEN_NONE);
    added_list_deinit(&list);
}

Test(added, words_and_white_space_beside)
{
    struct added_list list = {0};

    add(&list, "one", 1, false);
    list.tokens[0].single_word = true;
    add(&list, "<l>", 2, false);
    list.tokens[1].strip_left = true;
    add(&list, "<r>", 3, false);
    list.tokens[2].strip_right = true;
    added_list_prepare(&list);
    expect_found(&list, "ones one", "nnnnnnnn", 0, 5, 8, 1);
    expect_found(&list, "_one", "nnnn", 0, 0, 0, TOKEN_NONE);
    expect_found(&list, "(one)", "nnnnn", 0, 1, 4, 1);
    expect_found(&list, "a \t<l> ", "nnnnnnn", 0, 1, 6, 2);
    expect_found(&list, "a  <l>", "nnnnnn", 2, 2, 6, 2); /* not before `from` */
    expect_found(&list, " <r> \n x", "nnnnnnnn", 0, 1, 7, 3);
    added_list_deinit(&list);
}

/* Walks as HF 0.23.3 does: what a token's white space hides, what a rejected word hides. */
Test(added, tokens_hide_and_overlap_each_other)
{
    struct added_list list = {0};
    struct added_walk walk = {0};
    struct added_match match;

    add(&list, "<r>", 1, false);
    list.tokens[0].strip_right = true;
    add(&list, " ", 2, false);
    add(&list, "one", 3, false);
    list.tokens[2].single_word = true;
    add(&list, "ne", 4, false);
    added_list_prepare(&list);
    cr_assert(added_next(&list, "<r>  x", "\1\1\1\1\1\1", 6, &walk, &match));
    cr_expect(match.start == 0 && match.end == 5 && walk.done == 5);
    cr_assert(added_next(&list, "<r>  x", "\1\1\1\1\1\1", 6, &walk, &match)); /* in the blanks just taken */
    cr_expect(match.id == 2 && match.start == 3 && match.end == 4 && walk.done == 4);
    expect_found(&list, "xone", "nnnn", 0, 0, 0, TOKEN_NONE); /* "one" is no word here, and hides "ne" */
    expect_found(&list, "xne", "nnn", 0, 1, 3, 4);
    added_list_deinit(&list);
}

/* ---- expressions ---- */

static void expect_match(const char *expression, const char *text, size_t want_start, size_t want_end)
{
    struct pattern *pattern = NULL;
    struct matcher *matcher = NULL;
    struct quire_error error;
    size_t start = SIZE_MAX, end = SIZE_MAX;

    cr_assert(pattern_compile(expression, strlen(expression), &pattern, &error) == QUIRE_OK, "%s", error.message);
    cr_assert(matcher_create(&matcher) == QUIRE_OK);
    enum quire_status status = pattern_find(pattern, matcher, text, strlen(text), 0, &start, &end);
    cr_expect((status == QUIRE_OK) == (want_start != SIZE_MAX), "%s on \"%s\"", expression, text);
    cr_expect(start == want_start && end == want_end, "%s on \"%s\": [%zu, %zu)", expression, text, start, end);
    matcher_destroy(matcher);
    pattern_destroy(pattern);
}

Test(pattern, sets_are_those_of_the_reference)
{
    expect_match("\\s+", "a\xC2\xA0\xE3\x80\x80z", 1, 6);
    expect_match("\\s", "\xE1\xA0\x8E", SIZE_MAX, SIZE_MAX); /* U+180E is no white space since Unicode 6.3 */
    expect_match("[\\s]", "\xE1\xA0\x8E", SIZE_MAX, SIZE_MAX);
    expect_match("\\S", "\xE1\xA0\x8E", 0, 3);
    expect_match("\\w+", "-e\xCC\x81\xE2\x80\xBF_", 1, 8); /* marks and connectors are word characters */
    expect_match("\\p{Han}+", "a\xE6\xBC\xA2\xE3\x80\x82", 1, 4);
    expect_match("[\\p{Han}]", "\xE3\x80\x82", SIZE_MAX, SIZE_MAX); /* U+3002 has Han only among its extensions */
    expect_match("b$", "ab\nc", 1, 2);                              /* Oniguruma: the end of every line */
    expect_match("(?i:'S)", "x's", 1, 3);
    expect_match("[]a]+", "b]a", 1, 3);
    expect_match("[\\]\\[]+", "a[]", 1, 3);
}

/* Oniguruma's own forms; the expected values are those of the split oracle of the shared test data. */
Test(pattern, forms_that_pcre2_lacks)
{
    expect_match("\\p{Nd}{3}+", "123456 1", 0, 6);
    expect_match("(?:ab){2}+", "xababababab", 1, 9);
    expect_match("[0-9]{3}+", "1234567", 0, 6);
    expect_match("\\p{Nd}{1,3}+", "12345 1", 0, 5);
    expect_match("a{,3}", "aaaaa", 0, 3);
    expect_match("[a-w&&[^c-g]]+", "abch", 0, 2);
    expect_match("[^\\s[.,]]+", " ab.c", 1, 3);
    expect_match("[^(\\s|[.,])]+", "(ab|", 1, 3);
    expect_match("[[:alpha:]\\d]+", "-a1-", 1, 3);
    expect_match("[\\u00A0]", "a\xC2\xA0", 1, 3);
    expect_match("\\p{Word}+", " x\xE2\x80\xBFy ", 1, 6);
    expect_match("a{b", "a{b", 0, 3); /* no interval */
}

/* Sets as Oniguruma has them, which is not always as PCRE2 has them: values of tokenizers 0.23.3. */
Test(pattern, negated_and_named_sets)
{
    expect_match("\\w+", "-\xC2\xB2\xC2\xBC", 1, 5); /* superscript two: a word character outside of brackets only */
    expect_match("[\\w]+", "\xC2\xB2" "b", 2, 3);
    expect_match("[\\W_]+", "ab_\xC2\xB2.c", 2, 6);
    expect_match("[^\\W\\d]+", "12ab3", 2, 4);
    expect_match("[\\H]+", "afg-", 2, 4);
    expect_match("\\p{^L}+", "ab12c", 2, 4);
    expect_match("[\\P{L}]+", "ab12c", 2, 4);
    expect_match("\\p{uppercase_letter}", "aB", 1, 2);
    expect_match("\\p{Lo}", "a\xF0\x90\x97\x80", 1, 5);                 /* U+105C0, of Unicode 16 */
    expect_match("[[:alpha:]]+", "\xE0\xA6\xAC\xE0\xA6\xBE.", 0, 6); /* Bengali BA and its vowel sign */
    expect_match("[[:^alpha:]]", "a.", 1, 2);
    expect_match("[[:punct:]]", "a+", 1, 2);
    expect_match("\\p{Punct}", "a+-", 2, 3);
    expect_match("\\b", " e\xCC\x81", 1, 1);
    expect_match("\\v", "\n\x0b", 1, 2);
    expect_match("(?m:a.b)", "a\nb", 0, 3);
    expect_match("a.b", "a\nb", SIZE_MAX, SIZE_MAX);
}

/* An empty match counts, but not right behind another one: the places of x* in "axb" that tokenizers 0.23.3 cuts at. */
Test(pattern, walks_over_empty_matches)
{
    static const size_t want[][2] = {{0, 0}, {1, 2}, {3, 3}};
    struct pattern *pattern = NULL;
    struct matcher *matcher = NULL;
    struct pattern_walk walk = {0};
    struct quire_error error;
    size_t start, end, count = 0;

    cr_assert(pattern_compile("x*", 2, &pattern, &error) == QUIRE_OK && matcher_create(&matcher) == QUIRE_OK);
    for (; pattern_next(pattern, matcher, "axb", 3, &walk, &start, &end) == QUIRE_OK && count < 3; count++)
        cr_expect(start == want[count][0] && end == want[count][1], "[%zu, %zu)", start, end);
    cr_expect_eq(count, 3);
    pattern_destroy(pattern);
    matcher_destroy(matcher);
}

Test(pattern, nesting_is_bounded)
{
    char deep[1000];
    struct pattern *pattern = NULL;
    struct quire_error error;

    memset(deep, '[', sizeof deep);
    cr_expect_eq(pattern_compile(deep, sizeof deep, &pattern, &error), QUIRE_BAD_FILE);
    memset(deep, '(', sizeof deep);
    cr_expect_eq(pattern_compile(deep, sizeof deep, &pattern, &error), QUIRE_BAD_FILE);
}

Test(pattern, literals_and_empty_matches)
{
    struct pattern *pattern = NULL;
    struct matcher *matcher = NULL;
    size_t start, end;

    cr_assert(pattern_literal("a.b", 3, &pattern) == QUIRE_OK);
    cr_assert(matcher_create(&matcher) == QUIRE_OK);
    cr_expect_eq(pattern_find(pattern, matcher, "axb", 3, 0, &start, &end), QUIRE_NOT_FOUND);
    cr_expect(pattern_find(pattern, matcher, "xa.b", 4, 0, &start, &end) == QUIRE_OK && start == 1 && end == 4);
    cr_expect_eq(pattern_find(pattern, matcher, "xa.b", 4, 2, &start, &end), QUIRE_NOT_FOUND);
    pattern_destroy(pattern);
    matcher_destroy(matcher);
    expect_match("x*", "abc", 0, 0);
}

Test(pattern, bad_expressions_are_refused)
{
    static const char *const bad[] = {"(", "[", "a{2", "(?<", "\\p{Nonsense}", "\\C", "*"};
    struct pattern *pattern = NULL;
    struct quire_error error;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum quire_status status = pattern_compile(bad[i], strlen(bad[i]), &pattern, &error);
        cr_expect(status == QUIRE_BAD_FILE || strcmp(bad[i], "a{2") == 0, "%s", bad[i]); /* PCRE2: a literal brace */
        if (status == QUIRE_OK)
            pattern_destroy(pattern);
    }
}

Test(pre_patterns, every_row_compiles_and_names_are_whole)
{
    static const char *const names[] = {"gpt-2",        "llama-bpe",      "qwen2",       "qwen35",    "falcon",
                                        "deepseek-llm", "deepseek-coder", "deepseek-v3", "tekken",    "gpt-4o",
                                        "smollm",       "bloom",          "viking",      "chameleon", "dbrx",
                                        "default",      "stablelm2"};
    struct pattern *pattern;
    struct quire_error error;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct pre_row *row = pre_find(names[i]);
        cr_assert_not_null(row, "%s", names[i]);
        for (size_t k = 0; row->expressions[k] != NULL; k++) {
            const char *expression = row->expressions[k];
            cr_assert(pattern_compile(expression, strlen(expression), &pattern, &error) == QUIRE_OK, "%s: %s", names[i],
                      error.message);
            pattern_destroy(pattern);
        }
    }
    cr_expect_null(pre_find("gpt"));
    cr_expect_null(pre_find("gpt-2 phi"));
    cr_expect_null(pre_find("qwen"));
    cr_expect_null(pre_find(""));
}

/* ---- SentencePiece's merges by score ---- */

Test(bpe, highest_score_first_then_leftmost)
{
    struct vocabulary vocabulary = {0};
    struct word_model model = {.vocabulary = &vocabulary, .unknown = 0};
    struct model_scratch scratch = {0};
    struct token_list ids = {0};
    static const char *const pieces[] = {"<unk>", "a", "b", "c", "ab", "bc", "abc", "aa"};
    static const float scores[] = {0, -9, -9, -9, -2, -1, -5, -3};

    for (uint32_t id = 0; id < 8; id++)
        cr_assert(vocabulary_add(&vocabulary, id, pieces[id], strlen(pieces[id]), false) == QUIRE_OK);
    model.scores = malloc(sizeof scores);
    memcpy(model.scores, scores, sizeof scores);
    cr_assert(bpe_prepare(&model) == QUIRE_OK);
    cr_assert(model.encode(&model, "abc", 3, &scratch, &ids) == QUIRE_OK); /* bc first, then abc */
    cr_assert(model.encode(&model, "aaa", 3, &scratch, &ids) == QUIRE_OK); /* aa, a */
    cr_assert(model.encode(&model, "abxyc", 5, &scratch, &ids) == QUIRE_OK);
    cr_expect(same_ids(&ids, (uint32_t[]){6, 7, 1, 4, 0, 0, 3}, 7), "%u %u", ids.ids[0], ids.ids[1]);
    token_list_deinit(&ids);
    model_scratch_deinit(&scratch);
    word_model_deinit(&model);
    vocabulary_deinit(&vocabulary);
}
