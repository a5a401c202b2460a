/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floods the SIP thread with tasks from four threads for two seconds, from the first INFO with X-Do: flood on. The
 * network must get its turn in between, and each task run once.
 */
#include "api_record.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define THREADS 4
#define SECONDS 2

static pthread_t thread[THREADS];
static unsigned started;
static atomic_int stop;
static atomic_ulong pushed, ran;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int task(void *data)
{
    double end = now() + 20e-6;

    PJ_UNUSED_ARG(data);
    while (now() < end) {
    }
    atomic_fetch_add(&ran, 1);
    return 0;
}

static void *flood(void *data)
{
    double end = now() + SECONDS;

    PJ_UNUSED_ARG(data);
    while (!atomic_load(&stop) && now() < end) {
        /* not more than the SIP thread can ever run: the queue has no bound */
        if (atomic_load(&pushed) - atomic_load(&ran) > 50000) {
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        } else if (ast_sip_push_task(task, NULL) == 0) {
            atomic_fetch_add(&pushed, 1);
        }
    }
    return NULL;
}

static int control(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    if (api_has(rdata->msg_info.msg, "X-Do", "flood") && started == 0) {
        for (; started < THREADS; started++) {
            if (pthread_create(&thread[started], NULL, flood, NULL)) {
                break;
            }
        }
    }
    if (api_has(rdata->msg_info.msg, "X-Do", "count")) {
        api_record("tasks %lu %lu", atomic_load(&pushed), atomic_load(&ran));
    }
    ast_sip_session_send_response(session, 200, rdata);
    return AST_SIP_SESSION_STOP;
}

static struct ast_sip_session_extension extension = {.method = "INFO", .incoming_request = control};

static int init(void)
{
    return ast_sip_session_register_extension(&extension);
}

static void done(void)
{
    atomic_store(&stop, 1);
    while (started > 0) {
        pthread_join(thread[--started], NULL);
    }
    ast_sip_session_unregister_extension(&extension);
}

AST_SIP_MODULE(.name = "api_flood", .description = "Test: a flood of tasks", .init = init,
               .close = done);
