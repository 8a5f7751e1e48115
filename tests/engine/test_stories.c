/* stories260K, a trained model: the greedy continuations on which llama2.c, a float64 forward pass and llama.cpp
 * agree. */
#include "session.h"

#include <criterion/criterion.h>
#include <string.h>

enum { PROMPT_MAX = 64, STEPS = 64 };

/* Decodes all prompts of the golden file at once, each sequence by itself in the same steps. */
static void check_model(const char *name)
{
    static uint32_t expected[SESSION_SEQUENCES][STEPS];
    char path[1024], golden_path[1024];
    struct session session;
    json_t *golden;
    const json_t *cases;
    uint32_t count, last[SESSION_SEQUENCES] = {0}, position[SESSION_SEQUENCES] = {0};

    snprintf(path, sizeof path, "%s", shared_model_path(name));
    snprintf(golden_path, sizeof golden_path, "%s", shared_model_path("stories260K.golden.json"));
    if (path[0] == '\0' || golden_path[0] == '\0')
        cr_skip_test("the shared test data are absent");
    golden = load_json(golden_path);
    cases = json_object_get(golden, "cases");
    count = (uint32_t)json_array_size(cases);
    cr_assert(count > 0 && count <= SESSION_SEQUENCES);
    session_open(&session, &(struct engine_options){.model_path = path, .thread_count = 2, .model_len_max = 256});

    for (uint32_t step = 0; step < STEPS; step++) {
        plan_clear(session.maker.plan);
        for (uint32_t i = 0; i < count; i++) {
            const json_t *one = json_array_get(cases, i);
            uint32_t prompt[PROMPT_MAX], rows = 1;

            if (step == 0) {
                rows = load_ids(json_object_get(one, "prompt_ids"), prompt, PROMPT_MAX);
                cr_assert_eq(load_ids(json_object_get(one, "greedy_ids"), expected[i], STEPS), STEPS);
            }
            plan_add_greedy(session.maker.plan,
                            session_add(&session, i, position[i], step == 0 ? prompt : &last[i], rows) + rows - 1);
            position[i] += rows;
        }
        session_step(&session);
        for (uint32_t i = 0; i < count; i++) {
            last[i] = step_outputs(session.maker.result)[i].token.id;
            cr_assert_eq(last[i], expected[i][step], "%s, prompt %u, token %u: %u instead of %u", name, i, step,
                         last[i], expected[i][step]);
        }
    }
    session_close(&session);
    json_decref(golden);
}

Test(stories, directory_gives_golden_ids)
{
    check_model("stories260K-hf");
}

Test(stories, gguf_f32_gives_golden_ids)
{
    check_model("stories260K-F32.gguf");
}

Test(stories, gguf_f16_gives_golden_ids)
{
    check_model("stories260K-F16.gguf");
}
