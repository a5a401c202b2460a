/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the loop of the SIP thread. One epoll for our own descriptors (UDP sockets, tasks) with PJSIP's ioqueue
 * (TCP) nested in it, and PJSIP's timers for the time to sleep. Nothing here knows what a descriptor is for.
 *
 * Fairness: epoll is level-triggered and each watch does a bounded piece of work when it is called, so one turn
 * gives each its piece, and a flood on one side never keeps the others waiting for more than that.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <sipsession/log.h>

#include "res_sip/core.h"

#define EVENTS_PER_TURN 64

static int epoll_fd = -1;
static struct epoll_event events[EVENTS_PER_TURN];
static int event_count;
static struct sip_watch pjsip_watch;
static int in_network;

/* At most 16 events of PJSIP's sockets, each a connection's read of bounded size. */
static void poll_pjsip(struct sip_watch *watch)
{
    const pj_time_val now = {0, 0};

    (void)watch;
    pj_ioqueue_poll(pjsip_endpt_get_ioqueue(sip_endpt), &now);
}

int sip_loop_create(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) {
        ast_error("res_sip: epoll: %m");
        return -1;
    }
    pjsip_watch.fd = *(int *)pj_ioqueue_get_os_handle(pjsip_endpt_get_ioqueue(sip_endpt));
    pjsip_watch.ready = poll_pjsip;
    if (sip_loop_watch(&pjsip_watch) != 0) {
        sip_loop_destroy();
        return -1;
    }
    return 0;
}

void sip_loop_destroy(void)
{
    if (epoll_fd >= 0) {
        close(epoll_fd);
        epoll_fd = -1;
    }
}

/* 0; -1 logged. */
static int control(int what, struct sip_watch *watch)
{
    struct epoll_event event = {.events = EPOLLIN | (watch->writes ? EPOLLOUT : 0),
                                .data.ptr = watch};

    if (epoll_ctl(epoll_fd, what, watch->fd, &event) != 0) {
        ast_error("res_sip: epoll of descriptor %d: %m", watch->fd);
        return -1;
    }
    return 0;
}

int sip_loop_watch(struct sip_watch *watch)
{
    return control(EPOLL_CTL_ADD, watch);
}

void sip_loop_watch_writing(struct sip_watch *watch, int writes)
{
    if (watch->writes != writes) {
        watch->writes = writes;
        control(EPOLL_CTL_MOD, watch);
    }
}

void sip_loop_unwatch(struct sip_watch *watch)
{
    int i;

    if (epoll_fd >= 0) {
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    }
    for (i = 0; i < event_count; i++) {
        if (events[i].data.ptr == watch) {
            events[i].data.ptr = NULL; /* this turn has not come to it yet */
        }
    }
}

/* Milliseconds for epoll; a timer that is due within the millisecond is waited for, not spun for. */
static int to_wait(const pj_time_val *delay, int most)
{
    const long an_hour = 3600 * 1000L;
    long ms = delay->sec >= 3600 ? an_hour : PJ_TIME_VAL_MSEC(*delay);

    if (most >= 0 && ms > most) {
        return most;
    }
    return (int)ms;
}

int sip_loop_in_network(void)
{
    return in_network;
}

void sip_loop_turn(int most)
{
    pj_time_val delay = {0, 0};
    int i;

    pj_timer_heap_poll(pjsip_endpt_get_timer_heap(sip_endpt), &delay);
    event_count = epoll_wait(epoll_fd, events, EVENTS_PER_TURN, to_wait(&delay, most));
    if (event_count < 0) {
        base_assert(errno == EINTR); /* anything else is a defect of ours */
        event_count = 0;
    }
    for (i = 0; i < event_count; i++) {
        struct sip_watch *watch = events[i].data.ptr;

        if (watch) {
            in_network = !watch->own_work;
            watch->ready(watch);
            in_network = 0;
        }
    }
    event_count = 0;
}
