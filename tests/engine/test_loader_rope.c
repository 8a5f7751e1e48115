/* Rotary frequencies of every scaling against transformers' (fixtures/rope.json, made by make_rope_fixtures.py). */
#include "model/arch.h"
#include "model/weights.h"

#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <math.h>

static double relative_error(double value, double reference)
{
    return reference == 0 ? fabs(value) : fabs(value - reference) / fabs(reference);
}

static void check_case(const json_t *test)
{
    const char *name = json_string_value(json_object_get(test, "name"));
    const json_t *frequencies = json_object_get(test, "inverse_frequency");
    uint32_t length = (uint32_t)json_integer_value(json_object_get(test, "model_len_max"));
    struct model_file *file;
    struct arch arch;
    struct quire_error error = {""};
    char path[SCRATCH_PATH_BYTES];

    scratch_model(name, json_object_get(test, "config"));
    cr_assert_eq(model_file_open(scratch_path(name, path), &file, &error), QUIRE_OK, "%s: %s", name, error.message);
    cr_assert_eq(arch_from_file(file, length, &arch, &error), QUIRE_OK, "%s: %s", name, error.message);
    cr_expect_eq(arch.position.rope.dims, 2 * json_array_size(frequencies), "%s: %u dims", name,
                 arch.position.rope.dims);
    for (uint32_t i = 0; i < arch.position.rope.dims / 2; i++) {
        double reference = json_number_value(json_array_get(frequencies, i));
        double value = (double)arch.position.rope.inverse_frequency[i];

        /* four units in the last place of float32: two libraries' powf */
        cr_expect(relative_error(value, reference) < 4 * 5.97e-8, "%s: frequency %u is %.9g, not %.9g", name, i, value,
                  reference);
    }
    cr_expect(relative_error((double)arch.position.rope.attention_factor,
                             json_number_value(json_object_get(test, "attention_factor"))) < 1e-7,
              "%s: attention factor %.9g", name, (double)arch.position.rope.attention_factor);
    if (length != 0)
        cr_expect(arch.position_max >= length, "%s: a length of %u is not within %u", name, length, arch.position_max);
    arch_deinit(&arch);
    model_file_close(file);
}

Test(loader_rope, every_scaling_equals_transformers)
{
    json_t *cases = read_json(fixture_path("rope.json"));
    size_t index;
    json_t *test;

    cr_assert(json_array_size(cases) >= 25);
    json_array_foreach(cases, index, test)
        check_case(test);
    json_decref(cases);
}
