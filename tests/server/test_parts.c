/* The small pure parts of the server: auth.c, router.c, http_framing.c, api_error.c, cli.c's names. */
#include "api_error.h"
#include "auth.h"
#include "cli.h"
#include "exchange.h"
#include "http_framing.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

Test(auth, only_the_whole_key_is_accepted)
{
    cr_expect(auth_accepts("secret", "Bearer secret"));
    cr_expect(auth_accepts("secret", "bearer   secret"));
    static const char *const wrong[] = {NULL, "", "secret", "Bearer", "Bearer ", "Bearer sec", "Bearer secretsecret",
                                        "Bearer secret ", "Bearer Secret", "Basic secret"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_not(auth_accepts("secret", wrong[i]), "%s", wrong[i] != NULL ? wrong[i] : "(none)");
}

Test(router, paths_and_methods)
{
    static const struct {
        const char *method, *path;
        enum error_kind kind; /* ERROR_NONE: found */
        const char *detail;   /* the rest of the path, or what is allowed */
    } rows[] = {
        {"GET", "/health", ERROR_NONE, NULL},
        {"HEAD", "/health", ERROR_NONE, NULL},
        {"GET", "/v1/models", ERROR_NONE, NULL},
        {"GET", "/v1/models/a/b", ERROR_NONE, "a/b"},
        {"POST", "/v1/chat/completions", ERROR_NONE, NULL},
        {"GET", "/v1/models/", ERROR_NOT_FOUND, NULL},
        {"GET", "/v1/models/../../etc/passwd", ERROR_NOT_FOUND, NULL},
        {"GET", "/..", ERROR_NOT_FOUND, NULL},
        {"GET", "/healthy", ERROR_NOT_FOUND, NULL},
        {"GET", "", ERROR_NOT_FOUND, NULL},
        {"GET", "/v1/completions", ERROR_METHOD, "POST"},
        {"POST", "/health", ERROR_METHOD, "GET"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *rest = NULL, *allow;
        struct api_error error = {0};
        const struct route *route = router_find(rows[i].method, rows[i].path, &rest, &allow, &error);
        const char *detail = route != NULL ? rest : allow;

        cr_expect_eq(route != NULL, rows[i].kind == ERROR_NONE, "%s", rows[i].path);
        cr_expect_eq(error.kind, rows[i].kind, "%s", rows[i].path);
        cr_expect(detail == rows[i].detail || (detail != NULL && rows[i].detail != NULL && strcmp(detail, rows[i].detail) == 0),
                  "%s", rows[i].path);
    }
}

Test(router, names_may_have_dots)
{
    const char *rest, *allow;
    struct api_error error;

    cr_expect_not_null(router_find("GET", "/v1/models/Qwen2.5..x", &rest, &allow, &error));
    cr_expect_str_eq(rest, "Qwen2.5..x");
}

Test(http_framing, header_combinations)
{
    static const struct {
        struct header_facts facts;
        const char *version;
        enum error_kind kind;
    } rows[] = {
        {{.hosts = 1}, "HTTP/1.1", ERROR_NONE},
        {{.hosts = 0}, "HTTP/1.0", ERROR_NONE},
        {{.hosts = 0}, "HTTP/1.1", ERROR_BAD_REQUEST},
        {{.hosts = 2}, "HTTP/1.1", ERROR_BAD_REQUEST},
        {{.hosts = 1}, "HTTP/2.0", ERROR_VERSION},
        {{.hosts = 1, .lengths = 1, .content_length = "12"}, "HTTP/1.1", ERROR_NONE},
        {{.hosts = 1, .lengths = 2, .content_length = "12"}, "HTTP/1.1", ERROR_BAD_REQUEST},
        {{.hosts = 1, .lengths = 1, .content_length = "+2"}, "HTTP/1.1", ERROR_BAD_REQUEST},
        {{.hosts = 1, .transfer_encoding = "Chunked"}, "HTTP/1.1", ERROR_NONE},
        {{.hosts = 1, .transfer_encoding = "gzip, chunked"}, "HTTP/1.1", ERROR_NOT_IMPLEMENTED},
        {{.hosts = 1, .transfer_encoding = "chunked", .lengths = 1, .content_length = "1"}, "HTTP/1.1", ERROR_BAD_REQUEST},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct api_error error = {0};
        cr_expect_eq(framing_check(&rows[i].facts, rows[i].version, &error), rows[i].kind == ERROR_NONE, "row %zu", i);
        cr_expect_eq(error.kind, rows[i].kind, "row %zu", i);
    }
}

Test(http_framing, media_types)
{
    static const char *const good[] = {NULL, "application/json", "Application/JSON; charset=utf-8", "application/json ;x"};
    static const char *const bad[] = {"", "text/plain", "application/jsonp", "application/x-www-form-urlencoded", "json"};
    struct api_error error;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect(media_type_check(good[i], &error), "%zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(media_type_check(bad[i], &error), "%s", bad[i]);
}

Test(api_error, every_kind_has_a_status_and_a_whole_object)
{
    for (int kind = ERROR_NONE + 1; kind < ERROR_KIND_COUNT; kind++) {
        struct json_out out = {0};
        struct api_error error;
        json_t *root;
        const char *message, *type, *code;

        cr_expect_not(api_fail(&error, (enum error_kind)kind, "a\"b", "say \"%s\"\n", "\xff"));
        cr_expect_geq(error_http_status(error.kind), 400);
        error_write(&out, &error);
        root = json_loadb(out.text.bytes, out.text.count, 0, NULL);
        cr_assert_not_null(root, "%.*s", (int)out.text.count, out.text.bytes);
        cr_expect_eq(json_unpack(root, "{s:{s:s,s:s,s:s,s:s}}", "error", "message", &message, "type", &type, "param",
                                 &(const char *){NULL}, "code", &code), 0);
        json_decref(root);
        json_out_deinit(&out);
    }
}

Test(api_error, every_status_of_the_other_rooms_is_mapped)
{
    struct quire_error cause = {"because"};

    for (int status = QUIRE_INVALID; status <= QUIRE_CANCELLED; status++) {
        struct api_error error = {0};
        cr_expect_not(api_fail_status(&error, (enum quire_status)status, NULL, &cause));
        cr_expect_geq(error_http_status(error.kind), 400, "%d", status);
        cr_expect_str_eq(error.message, "because");
    }
    struct api_error busy;
    api_fail_status(&busy, QUIRE_BUSY, NULL, &cause);
    cr_expect_eq(error_http_status(busy.kind), 429);
    cr_expect_gt(error_retry_after_s(busy.kind), 0);
}

Test(cli, models_are_named_after_their_file)
{
    static const char *const rows[][2] = {{"/models/x-hf", "x-hf"}, {"/models/x-hf//", "x-hf"}, {"m.gguf", "m"},
                                          {"a/b.c.gguf", "b.c"}, {".gguf", ".gguf"}, {"/", "/"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *name = model_name_of(rows[i][0]);
        if (strcmp(rows[i][0], "/") != 0)
            cr_expect_str_eq(name, rows[i][1]);
        free(name);
    }
}
