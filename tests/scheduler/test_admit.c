/* What waiting costs: a step must not go through the prompts of those that wait again and again. The linker leads all
 * hashes of the scheduler through here; each block of a prompt that is looked for, or registered, is one. */
#include "siphash.h"
#include "stage.h"

static struct stage stage;
static uint32_t hashes;

void __real_siphash128(const unsigned char key[16], const void *data, size_t bytes, uint64_t out[2]);
void __wrap_siphash128(const unsigned char key[16], const void *data, size_t bytes, uint64_t out[2]);

void __wrap_siphash128(const unsigned char key[16], const void *data, size_t bytes, uint64_t out[2])
{
    hashes++;
    __real_siphash128(key, data, bytes, out);
}

static void open_stage(void)
{
    stage = stage_default();
}

static void close_stage(void)
{
    stage_close(&stage);
}

TestSuite(admit, .init = open_stage, .fini = close_stage);

/* A step with one running sequence that fills at most `blocks` blocks: each is looked for and registered. */
static void expect_idle_waiters(uint32_t blocks)
{
    hashes = 0;
    stage_steps(&stage, 1);
    cr_expect_leq(hashes, 2 * blocks, "%u hashes in a step", hashes);
}

Test(admit, one_that_lacks_room_is_not_looked_at_until_there_is_more)
{
    struct request_spec early = stage_spec(0, 129, 1), running = stage_spec(7, 100, 60), late = stage_spec(0, 240, 4);
    struct request *first, *second, *third;

    stage.limits.group[0].block_count = 20;
    stage_open(&stage);
    first = stage_submit(&stage, &early); /* eight blocks of the late one's prompt are known */
    stage_drain(&stage);
    second = stage_submit(&stage, &running);
    stage_steps(&stage, 2);
    third = stage_submit(&stage, &late);
    stage_steps(&stage, 1);
    cr_expect_eq(scheduler_stats(stage.scheduler).waiting, 1);
    while (second->logs[0].count < 59)
        expect_idle_waiters(1);
    stage_drain(&stage);
    cr_expect_eq(third->cached_tokens, 128);
    stage_expect_alone(&stage, second);
    stage_expect_alone(&stage, third);
    request_unref(first);
    request_unref(second);
    request_unref(third);
}

/* Whoever waits for somebody else's prefix goes on by itself when that one has gone, and those that lack room do when
 * nobody runs. */
Test(admit, waiters_come_in_when_what_they_waited_for_is_gone)
{
    struct request_spec spec = stage_spec(0, 200, 8), other = stage_spec(50, 120, 8);
    struct request *first, *rider, *lacking;

    stage.limits.group[0].block_count = 16;
    stage.options.step_tokens_max = 16;
    stage_open(&stage);
    first = stage_submit(&stage, &spec);
    rider = stage_submit(&stage, &spec);
    lacking = stage_submit(&stage, &other);
    stage_steps(&stage, 3);
    cr_expect_eq(scheduler_stats(stage.scheduler).waiting, 2);
    scheduler_cancel(stage.scheduler, first);
    stage_drain(&stage);
    stage_expect_alone(&stage, rider);
    stage_expect_alone(&stage, lacking);
    request_unref(first);
    request_unref(rider);
    request_unref(lacking);
}
