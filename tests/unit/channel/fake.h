/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands around the room of channels in its unit tests: tasks, simulated time, a driver that
 * takes notes, a stream and files of audio that do nothing, and sessions without SIP.
 */
#ifndef FAKE_H
#define FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sipsession/location.h>
#include <sipsession/log.h>
#include <sipsession/res_sip_session.h>

#include "channel/channel.h"

/* ---- notes: what happened, in words, separated by blanks ---- */

extern char fake_notes[4096];
void fake_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Compares and clears. */
#define assert_notes(expected)                                                                     \
    do {                                                                                           \
        assert_string_equal(fake_notes, expected);                                                 \
        fake_notes[0] = '\0';                                                                      \
    } while (0)

/* ---- tasks and time ---- */

extern int fake_push_fails;
/* Runs what was pushed before the call; how many that were. */
unsigned fake_run_tasks(void);
/* Blocking work and what comes after it. */
unsigned fake_run_blocking(void);
/* Lets time pass; fires what is due, in order. */
void fake_pass(unsigned milliseconds);
unsigned fake_timers(void);

/* ---- channels ---- */

extern const struct ast_channel_tech fake_tech;
extern int fake_answer_fails;
/* Called within answer, when set. */
extern void (*fake_on_answer)(struct ast_channel *channel);
struct ast_channel *fake_channel(const char *context, const char *exten);

/* The options in force. */
extern struct ast_sip_global fake_global;
/* The one contact that there is, of this AOR; NULL: there is none. It is 1000. */
extern struct ast_sip_contact fake_contact;
extern const char *fake_aor;

/*
 * A dialplan of short lines: "[context]", ">included",
 * "name[/caller],priority[(label)],Application[(args)]". NULL: no memory. fake_dialplan puts it in
 * force, and registers the shipped applications the first time.
 */
struct pbx *fake_pbx(const char *text);
void fake_dialplan(const char *text);
/* Drops the dialplan and the applications; no channel, timer, task or file may be left. */
void fake_clean(void);
/* Application Note(text): notes it. Application Hold(text): notes it, is RUNNING, notes its stop.
 */
extern const struct ast_application fake_app_note, fake_app_hold;

/* ---- audio ---- */

/* What the room has as its struct ast_rtp. */
struct fake_rtp {
    int mode; /* 'i'dle, 'e'cho, 'a'udio */
    const struct ast_audio *audio;
    void *data;
    int refuses; /* audio */
};

#define FAKE_RTP(fake) ((struct ast_rtp *)(fake))

/* The stream takes something else to do: what it had is released. */
void fake_rtp_release(struct fake_rtp *rtp);
/* The file in it came to its end. */
void fake_rtp_finish(struct fake_rtp *rtp);
extern const char *fake_missing_file; /* a path that cannot be loaded */
extern int fake_wavs;                 /* files and players that live */

/* ---- sessions ---- */

struct fake_session {
    struct ast_sip_session session;
    struct ast_sip_endpoint endpoint;
    int refs;
    int outgoing;
    enum ast_sip_session_state state;
    int end_status;
    int has_identity;
    struct ast_party_id identity;
    const char *reason; /* of a message's Reason header, or NULL */
};

void fake_session_init(struct fake_session *session);
/* As the core does: the state, then every session_end. */
void fake_session_end(struct fake_session *session, int status);
/* Calls incoming_request of the registered extensions of a method, by priority, until one stops. */
int fake_session_request(struct fake_session *session, const char *method, pjsip_rx_data *rdata);
/* The same for incoming_response. */
void fake_session_response(struct fake_session *session, const char *method, pjsip_rx_data *rdata);
extern int fake_register_fails_at; /* the registration that fails, from 1; 0: none */
unsigned fake_extensions(void);

#endif
