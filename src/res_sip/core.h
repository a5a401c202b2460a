/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what its own folders share: the PJSIP endpoint, the loop, tasks, memory.
 */
#ifndef RES_SIP_CORE_H
#define RES_SIP_CORE_H

#include "res_sip/sip.h"

extern pjsip_endpoint *sip_endpt; /* NULL: not running */

/* PJLIB's strings are not const; nobody writes to these. */
#define SIP_STR(literal)                                                                           \
    {                                                                                              \
        (char *)(literal), sizeof(literal) - 1                                                     \
    }
static inline pj_str_t sip_str(const char *text)
{
    return pj_str((char *)text);
}

/* Priorities of our PJSIP modules: PJSIP prints at 8, transactions are 16, dialogs 32, services 64.
 */
#define SIP_PRIORITY_TRACE       7 /* sees what was printed, and what came before anyone touched it */
#define SIP_PRIORITY_EDGE        9   /* guard of what comes in; print of what goes out */
#define SIP_PRIORITY_DISTRIBUTOR 24  /* after retransmissions are gone, before dialogs */
#define SIP_PRIORITY_METHODS     128 /* what no service took: OPTIONS */
#define SIP_PRIORITY_LAST        1000

/* ---- core.c ---- */

/* Where messages and dialogs keep their endpoint, in mod_data: the id of the distributor's module; -1:
 * not running. */
extern int sip_endpoint_slot;
struct ast_sip_endpoint *sip_dialog_get_endpoint(const pjsip_dialog *dlg);
void sip_core_start(void);
/* PJSIP's endpoint is gone. */
void sip_core_stop(void);

/* ---- endpoint.c: what an endpoint owns ---- */

void sip_credentials_free(struct ast_sip_credential *credential);
void sip_auths_free(struct ast_sip_auth *auth);

/* ---- ip.c ---- */

/* An address in figures, without port and brackets; a name is never looked up. 0; -1: it is none.
 */
int sip_parse_ip(const pj_str_t *text, pj_sockaddr *address);

/* ---- config.c ---- */

/* Makes config the one in force (takes it) and indexes its endpoints; NULL: none any more. 0, -1 no
 * memory. */
int sip_config_use(struct sip_config *config);
/* Indexes its endpoints. 0; -1 logged: no memory. */
int sip_config_index(struct sip_config *config);
/* An endpoint of any configuration that is indexed, or NULL; borrowed from it. */
struct ast_sip_endpoint *sip_config_endpoint(const struct sip_config *config, const char *name);
/* Puts an indexed one (takes it) into the place of the one in force, which becomes the caller's. */
struct sip_config *sip_config_replace(struct sip_config *config);
/*
 * What an endpoint that a dialog has from before a reload is now: for who may take part in it. The
 * same one when nothing has that name any more. Borrowed.
 */
struct ast_sip_endpoint *sip_endpoint_now(struct ast_sip_endpoint *endpoint);

/* ---- loop.c: epoll ---- */

struct sip_watch {
    int fd;
    void (*ready)(struct sip_watch *watch);
    int own_work; /* 1: not what came from the network */
    int writes;   /* 1: ready is also called as often as fd is writable */
};

int sip_loop_create(void);
void sip_loop_destroy(void);
/* Calls watch->ready as often as fd is readable. The watch is the caller's. 0, -1 logged. */
int sip_loop_watch(struct sip_watch *watch);
/* watch->writes of one that is watched becomes this. */
void sip_loop_watch_writing(struct sip_watch *watch, int writes);
void sip_loop_unwatch(struct sip_watch *watch);
/* 1: a message that was received is being worked on. */
int sip_loop_in_network(void);
/* One turn: timers, then wait at most `most` ms (-1: as long as it takes) and call what is ready.
 */
void sip_loop_turn(int most);

/* ---- thread.c: the queue of tasks ---- */

int sip_thread_create(void);
/* Stops the blocking pool and runs what is queued. */
void sip_thread_drain(void);
void sip_thread_destroy(void);
/* 0: sip_stop was called. */
int sip_thread_is_running(void);

/* Microseconds, of no particular begin. */
pj_uint64_t sip_now(void);

/* ---- pjlog.c: PJSIP's log into ours ---- */

void sip_pjlog_start(void);
/* The text of a PJSIP status; returns buffer. */
const char *sip_error(pj_status_t status, char *buffer, size_t size);

/* ---- pools.c: PJSIP's pools ---- */

void sip_pools_start(void);
void sip_pools_destroy(void);
/* How many are in use. */
size_t sip_pools_count(void);
pj_pool_factory *sip_memory_factory(void);

/* ---- memory.c: giving memory back ---- */

void sip_memory_start(void);
/* There is work: look after a while whether memory can go back. Cheap. */
void sip_memory_busy(void);
void sip_memory_stop(void);
void sip_memory_destroy(void);

/* ---- service.c ---- */

/* Registers a PJSIP module of ours. 0, -1 logged. */
int sip_module_register(pjsip_module *module);

#endif
