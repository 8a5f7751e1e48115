/* The submission queue: order, bound, closing. Many threads at it are tested by threads.c. */
#include "submit_queue.h"

#include <criterion/criterion.h>
#include <string.h>

Test(submit_queue, gives_requests_in_the_order_of_arrival)
{
    struct submit_queue queue;
    static struct request requests[3];

    submit_queue_init(&queue, 3);
    cr_expect_null(submit_queue_take(&queue));
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[i]}, 1, NULL), QUIRE_OK);

    struct request *request = submit_queue_take(&queue);
    for (size_t i = 0; i < 3; i++, request = request->next)
        cr_assert_eq(request, &requests[i]);
    cr_expect_null(request);
    cr_expect_null(submit_queue_take(&queue));
}

Test(submit_queue, full_until_a_place_is_given_back)
{
    struct submit_queue queue;
    static struct request requests[3];
    struct quire_error error;

    submit_queue_init(&queue, 2);
    cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[0]}, 1, NULL), QUIRE_OK);
    cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[1]}, 1, NULL), QUIRE_OK);
    cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[2]}, 1, &error), QUIRE_BUSY);
    cr_expect_str_not_empty(error.message);
    submit_queue_take(&queue);
    cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[2]}, 1, &error), QUIRE_BUSY,
                 "taken requests still wait");
    submit_queue_release(&queue);
    cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[2]}, 1, &error), QUIRE_OK);
}

Test(submit_queue, takes_several_at_once_in_order_or_none)
{
    struct submit_queue queue;
    static struct request requests[5];
    struct request *pointers[5];
    struct quire_error error = {{0}};

    for (size_t i = 0; i < 5; i++)
        pointers[i] = &requests[i];
    submit_queue_init(&queue, 4);
    cr_expect_eq(submit_queue_push(&queue, pointers, 5, &error), QUIRE_BUSY);
    cr_expect_eq(submit_queue_push(&queue, pointers, 2, NULL), QUIRE_OK);
    cr_expect_eq(submit_queue_push(&queue, pointers + 2, 3, &error), QUIRE_BUSY);
    cr_expect_not_null(strstr(error.message, "2 requests are waiting already and 3 more"), "%s", error.message);
    cr_expect_eq(queue.held_count, 2, "a refusal keeps a place");
    cr_expect_eq(submit_queue_push(&queue, pointers + 2, 2, NULL), QUIRE_OK);

    struct request *request = submit_queue_take(&queue);
    for (size_t i = 0; i < 4; i++, request = request->next)
        cr_assert_eq(request, pointers[i]);
    cr_expect_null(request);
    submit_queue_close(&queue);
    submit_queue_release(&queue);
    submit_queue_release(&queue);
    cr_expect_eq(submit_queue_push(&queue, pointers, 2, NULL), QUIRE_DRAINING);
    cr_expect_eq(queue.held_count, 2);
}

Test(submit_queue, closed_refuses_but_keeps_what_it_has)
{
    struct submit_queue queue;
    static struct request requests[2];

    submit_queue_init(&queue, 8);
    cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[0]}, 1, NULL), QUIRE_OK);
    submit_queue_close(&queue);
    cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[1]}, 1, NULL), QUIRE_DRAINING);
    cr_expect_eq(queue.held_count, 1);
    cr_expect_eq(submit_queue_take(&queue), &requests[0]);
    cr_expect_null(requests[0].next);
    cr_expect_eq(submit_queue_push(&queue, &(struct request *){&requests[1]}, 1, NULL), QUIRE_DRAINING,
                 "taking does not open it again");
    cr_expect_null(submit_queue_take(&queue));
}
