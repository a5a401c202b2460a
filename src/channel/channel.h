/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The room of channels, private: what its files share, and what the server and the configuration
 * reader call. Everything runs on the SIP thread and takes no lock. Files chan_* are channels and
 * their driver, pbx_* (also pattern.c, expr.c, substitute.c, functions.c) the dialplan, app_* the
 * applications; nothing here knows of SDP.
 *
 * Lifetimes, in numbers:
 *  1. A channel is counted by references. Its driver holds one (the SIP driver's is
 * session->channel), a running dialplan another one. The last one frees it.
 *  2. A channel ends once: its state becomes AST_CHANNEL_GONE and stays. Before that the running
 * application is stopped, so that its stop may still use the audio; after that the driver is told
 * (unless it told us), then the dialplan runs `h`, and lets go of its reference at its end.
 *  3. The SIP driver: channel->tech_data is a reference to the session, session->channel a
 * reference to the channel. session_end drops both, and nothing else does; so neither can be freed
 * while the other may still call it. A session that ends on its own ends its channel; a channel
 * that is hung up ends its session (ast_sip_session_terminate), whose session_end comes at once or
 * later. ast_sip_channel_move changes both at once: the references go along with the channel.
 *  4. channel->rtp is the SDP handler's; it is taken from the channel before the handler destroys
 * it, at the latest in the driver's session_end.
 *  5. struct pbx does not change once it is in force. A channel that runs the dialplan holds a
 * reference of the one it began with, so a reload never takes it away.
 *  6. A timer of a channel is armed only while an application is RUNNING, which stop ends; so a
 * timer never outlives the dialplan's reference.
 */
#ifndef CHANNEL_CHANNEL_H
#define CHANNEL_CHANNEL_H

#include <time.h>

#include <pjlib.h>
#include <sipsession/channel.h>

#include "base/base.h"

struct pjsip_rx_data;

/* Octets of a context's and of an extension's name with NUL, as in the field. A longer one matches
 * nothing. */
#define CHAN_NAME_SIZE 80
/* Octets of a text with its variables replaced, with NUL; what is longer is cut. */
#define PBX_TEXT_SIZE 4096
/* The highest priority: labels and offsets never come near it. */
#define PBX_MAX_PRIORITY 1000000
/* Variables that a channel can have: a dialplan that makes them in a loop stops somewhere. */
#define CHAN_MAX_VARIABLES 1000

/* ---- variables (variables.c): a list, the newest first; names and values live in the node ---- */

struct chan_variable {
    struct chan_variable *next;
    const char *value; /* in the same allocation, behind the name */
    unsigned char
        inherit; /* 0; 1 `_NAME`: to channels made by this one; 2 `__NAME`: to theirs as well */
    char name[];
};

struct chan_variables {
    struct chan_variable *first;
    unsigned count;
};

/* value NULL removes. A name may begin with `_` or `__`, which is not a part of it. 0; -1: no name,
 * too many, no memory; then nothing changed. */
int chan_variables_set(struct chan_variables *variables, const char *name, const char *value);
const char *chan_variables_get(const struct chan_variables *variables, const char *name);
void chan_variables_clear(struct chan_variables *variables);

/* Variables of no channel: [globals], and Set(GLOBAL(name)=value). */
extern struct chan_variables pbx_globals;

/* ---- timers (timer.c) ---- */

/* Where time comes from: PJSIP's timer heap, or simulated time in unit tests. */
struct chan_clock {
    int (*schedule)(pj_timer_entry *entry, const pj_time_val *delay); /* 0, -1 */
    void (*cancel)(pj_timer_entry *entry);
};

extern const struct chan_clock *chan_clock;

/* Calls fire(channel) once after so many milliseconds; a timer that runs is set anew. 0; -1 logged.
 */
int chan_timer_start(struct ast_channel *channel, unsigned milliseconds,
                     void (*fire)(struct ast_channel *channel));
void chan_timer_stop(struct ast_channel *channel);

/* ---- the dialplan as data (pattern.c, pbx_build.c, pbx_find.c): built once, then never changed
 * ---- */

struct pbx_pattern;

/* One priority of an extension. */
struct pbx_step {
    int priority;
    char *label;       /* or NULL */
    char *application; /* its name as written */
    char *args;        /* what stands between the parentheses; never NULL */
    const char *file;  /* the dialplan's own; never NULL */
    unsigned line;
};

struct pbx_exten {
    char *name;   /* as written, with `_` */
    char *key;    /* the name without dashes; of no use for patterns */
    char *caller; /* of NAME/CALLER: a number or a pattern; "": no number; NULL: any */
    struct pbx_pattern *pattern;        /* or NULL */
    struct pbx_pattern *caller_pattern; /* or NULL */
    struct pbx_step *steps;             /* by priority */
    unsigned count;
};

/* A file's name, which steps point to. */
struct pbx_file {
    struct pbx_file *next;
    char name[];
};

/* An array of pointers that grows. */
struct pbx_vector {
    void **items;
    unsigned count;
};

struct pbx_context {
    char *name;
    struct pbx_vector extens;   /* struct pbx_exten in the order in which they are asked */
    unsigned patterns;          /* where the patterns begin among them */
    struct pbx_vector includes; /* names, in the order of the file */
    struct pbx_vector search;   /* struct pbx_context: itself, then what it includes, each once */
    unsigned visited;           /* a mark of pbx_finish */
};

struct pbx {
    unsigned refs;
    struct pbx_vector contexts; /* struct pbx_context, by name */
    struct chan_variables globals;
    struct pbx_file *files;
    size_t search_total;
};

/* The place of a step. `first`: the extension is the best match, so its next priority is next door.
 */
struct pbx_place {
    const struct pbx_exten *exten;
    unsigned index; /* of the step in exten->steps */
    int first;
};

/* The extension that a registration makes in this context, without patterns and includes
 * (`regcontext`, pbx_registered.c); NULL: there is none. */
const struct pbx_exten *pbx_registered_exten(const char *context, const char *exten);

enum pbx_match { PBX_MATCH, PBX_CAN_MATCH };

/*
 * Compiles a pattern, without its `_`. NULL: no memory (why is empty), or it is none: why says what
 * was expected.
 */
struct pbx_pattern *pbx_pattern_create(const char *text, char *why, size_t why_size);
void pbx_pattern_destroy(struct pbx_pattern *pattern); /* NULL is allowed */
/* 1: it matches (PBX_CAN_MATCH: or would with more digits); 0. */
int pbx_pattern_match(const struct pbx_pattern *pattern, const char *digits, enum pbx_match mode);
/* <0 when a is asked before b: the fewer characters a position allows the earlier; `.` and `!`
 * last. */
int pbx_pattern_compare(const struct pbx_pattern *a, const struct pbx_pattern *b);

/* A new dialplan, with one reference; NULL: no memory. */
struct pbx *pbx_create(void);
struct pbx *pbx_ref(struct pbx *pbx);
void pbx_unref(struct pbx *pbx); /* NULL is allowed */
/* The context of a name, made when there is none. NULL: no memory. */
struct pbx_context *pbx_add_context(struct pbx *pbx, const char *name);
/*
 * The extension of a name and caller (NULL: any), made when there is none. NULL: no memory (why is
 * empty), or the name is none.
 */
struct pbx_exten *pbx_add_exten(struct pbx_context *context, const char *name, const char *caller,
                                char *why, size_t why_size);
/* Adds a step; its strings are copied, file is not. 0; 1: the priority is taken; -1: no memory. */
int pbx_add_step(struct pbx_exten *exten, const struct pbx_step *step);
/* Keeps a file's name for steps; returns the dialplan's copy. NULL: no memory. */
const char *pbx_add_file(struct pbx *pbx, const char *file);
/* 0; -1: no memory. pbx_finish looks the name up; one that is no context is passed over. */
int pbx_add_include(struct pbx_context *context, const char *name);
int pbx_add_global(struct pbx *pbx, const char *name, const char *value);
/* Works out in which order contexts are searched; after the last add. 0; -1: no memory. */
int pbx_finish(struct pbx *pbx);

/* NULL: there is none. */
struct pbx_context *pbx_find_context(const struct pbx *pbx, const char *name);
/*
 * The first place in [0, count) whose item does not come before what is sought; order(item, sought)
 * < 0: it does.
 */
unsigned pbx_lower_bound(const struct pbx_vector *vector, unsigned count,
                         int (*order)(const void *item, const void *sought), const void *sought);
/* Where a priority is or would be. */
unsigned pbx_step_place(const struct pbx_exten *exten, int priority);
/* A name without its dashes; out has room for the name. */
void pbx_copy_key(char *out, const char *name);
/*
 * Finds a step: the first extension by order of match, in the context then in what it includes,
 * that has the priority (or the label, when it is not NULL). caller may be NULL: unknown. exact:
 * patterns are not asked. 0; -1: there is none.
 */
struct pbx_query {
    const char *context;
    const char *exten;
    const char *caller;
    int priority;
    const char *label;
    int exact;
};
int pbx_find(const struct pbx *pbx, const struct pbx_query *query, struct pbx_place *place);
/* 1: an extension of the context would match with more digits. */
int pbx_can_match(const struct pbx *pbx, const char *context, const char *exten,
                  const char *caller);
/* Calls see for each step; of a context in order of match. For `show` and the checker. */
void pbx_each(const struct pbx *pbx,
              void (*see)(const struct pbx_context *context, const struct pbx_exten *exten,
                          const struct pbx_step *step, void *data),
              void *data);

/* The dialplan in force, borrowed; NULL: there is none. */
struct pbx *pbx_current(void);
/* Puts another one in force; takes the reference; NULL: none. [globals] are set again. */
void pbx_set(struct pbx *pbx);

/* ---- variables in texts, expressions, functions (substitute.c, expr.c, functions.c) ---- */

/*
 * Replaces ${...} and $[...]; channel NULL: only global variables are known. Always ends with NUL;
 * what does not fit is cut, logged. Returns out.
 */
char *pbx_substitute(struct ast_channel *channel, const char *text, char *out, size_t size);
/* The same with no channel, and with these global variables: for the reader. */
char *pbx_substitute_globals(const struct chan_variables *globals, const char *text, char *out,
                             size_t size);
/* A text's variables and expressions are well-formed: 0; -1 and why. For the checker. */
int pbx_check_text(const char *text, char *why, size_t why_size);

/* Evaluates an expression whose variables are replaced. 0; -1: it is none, and why; out is
 * untouched. */
int pbx_expr_evaluate(const char *text, char *out, size_t size, char *why, size_t why_size);
/* The same; on failure it is logged and out is "". */
int pbx_expr(const char *text, char *out, size_t size);
/* 1: a condition as GotoIf means it: a number that is not 0, or any other text but the empty one.
 */
int pbx_is_true(const char *text);

/* Sets NAME or FUNCTION(args), as Set does. 0; -1 logged. */
int pbx_write(struct ast_channel *channel, const char *name, const char *value);
/* Reads FUNCTION(args); out is "" on failure. 0; -1: there is no such function, logged. */
int pbx_function_read(struct ast_channel *channel, const char *name, const char *args, char *out,
                      size_t size);
/* CALLERID, CONNECTEDLINE, REDIRECTING (party_functions.c) */
int pbx_callerid_read(struct ast_channel *channel, const char *args, char *out, size_t size);
int pbx_callerid_write(struct ast_channel *channel, const char *args, const char *value);
int pbx_connected_read(struct ast_channel *channel, const char *args, char *out, size_t size);
int pbx_connected_write(struct ast_channel *channel, const char *args, const char *value);
int pbx_redirecting_read(struct ast_channel *channel, const char *args, char *out, size_t size);
int pbx_redirecting_write(struct ast_channel *channel, const char *args, const char *value);

/* 1: there is a function of this name. */
int pbx_function_known(const char *name, size_t length);
/* The name of a function nearest to this one, or NULL. */
const char *pbx_function_nearest(const char *name);

/* ---- channels (channel.c) ---- */

/* Data of a module on a channel (chan_cookie.c). */
struct chan_cookie;

/* Destroys all cookies of a channel. */
void chan_cookies_clear(struct ast_channel *channel);

/* The dialplan's state on a channel (pbx_exec.c). */
struct chan_exec {
    struct pbx *pbx;                   /* a reference while the dialplan runs; else NULL */
    const struct ast_application *app; /* that is RUNNING, or within start */
    void *app_data;                    /* the application's */
    unsigned run;           /* which start this is: a callback sees by it that it is over */
    unsigned idle_steps;    /* steps since an application last waited */
    struct pbx_place place; /* of the step that runs; exten NULL: find it */
    unsigned in_loop : 1;   /* the loop is on the stack */
    unsigned starting : 1;  /* an application's start is on the stack */
    unsigned jump : 1;      /* ast_pbx_goto was called: the priority stands as it is */
    unsigned in_h : 1;      /* `h` runs */
    unsigned queued : 1;    /* a task will go on */
    int early; /* enum ast_application_result + 1 that ast_application_done told within start; 0:
                  nothing */
};

struct ast_channel {
    PJ_DECL_LIST_MEMBER(struct ast_channel);
    unsigned refs;
    short state; /* enum ast_channel_state */
    short cause;
    unsigned told; /* bits 1 << enum ast_control that the peer was told */
    const struct ast_channel_tech *tech;
    void *tech_data;
    struct ast_rtp *rtp;
    struct ast_channel_watch *watches;
    struct chan_cookie *cookies; /* owned */
    struct chan_variables variables;
    struct chan_exec exec;
    pj_timer_entry timer;
    void (*timer_fire)(struct ast_channel *channel);
    time_t created;
    int priority;
    struct ast_party_id caller;
    struct ast_party_id *connected;            /* owned; NULL: nobody was told of */
    struct ast_party_redirecting *redirecting; /* owned; NULL: it was not diverted */
    char uniqueid[32];
    char context[CHAN_NAME_SIZE];
    char exten[CHAN_NAME_SIZE];
    char name[];
};

/* How many there are; calls see for each, the oldest first (it may not free channels). */
unsigned chan_count(void);
void chan_each(void (*see)(const struct ast_channel *channel, void *data), void *data);
/* The same for what may hang up or free any of them. */
void chan_for_all(void (*see)(struct ast_channel *channel, const void *data), const void *data);
void chan_hangup_all(int cause);
const char *chan_state_name(int state);
/* The name of the application that runs on it, or "". */
const char *chan_application_name(const struct ast_channel *channel);

/* ---- the executor (pbx_exec.c) ---- */

/* Stops the running application: called before the channel's state becomes GONE. */
void pbx_exec_stop_application(struct ast_channel *channel);
/* The channel's state became GONE: run `h`, end the dialplan. */
void pbx_exec_gone(struct ast_channel *channel);
/* An application goes: channels that run it are hung up. */
void pbx_exec_drop_application(const struct ast_application *application);
/* As ast_pbx_goto; an extension that does not exist is taken, for the executor to find `i`. */
int pbx_exec_goto(struct ast_channel *channel, const char *context, const char *exten,
                  const char *label);

/* ---- applications (application.c) ---- */

/* Registered under this name, or NULL. */
const struct ast_application *chan_find_application(const char *name);
/* 1: one that is always there. Any thread. */
int chan_is_shipped(const char *name);
/* The name of a shipped application nearest to this one, or NULL. Any thread. */
const char *chan_nearest_application(const char *name);
/* 1: Asterisk has an application of this name, which is not ours. */
int chan_foreign_application(const char *name);
/* The shipped module that registers an application of this name, or NULL. */
const char *chan_application_module(const char *name);
/* The same for a function. */
const char *chan_function_module(const char *name, size_t length);
/*
 * Splits arguments at a separator outside of quotes, parentheses and brackets, in place; blanks
 * around them and quotes are taken away. Unused places of args get "". Returns how many there were,
 * at most `most`: the last one holds the rest.
 */
unsigned chan_split(char *text, char separator, char **args, unsigned most);
/* Splits `[[context,]exten,]priority` in place and goes there, as pbx_exec_goto. 0, -1. */
int chan_goto_text(struct ast_channel *channel, char *text);
/* Seconds with up to three decimals ("1.5") in milliseconds; -1: it is no such number. */
long chan_parse_seconds(const char *text);

/* One file each. */
extern const struct ast_application app_answer, app_busy, app_congestion, app_echo, app_goto,
    app_gotoif, app_hangup, app_noop, app_playback, app_proceeding, app_progress, app_ringing,
    app_receivetext, app_senddtmf, app_sendtext, app_set, app_verbose, app_wait;

/* ---- causes (cause.c) ---- */

/* The final response of an INVITE for a cause (RFC 3398 7.2.4.1); 603 when there is no better one.
 */
int chan_cause_to_status(int cause);
/* A cause by number or name ("17", "USER_BUSY"); -1: it is none. */
int chan_cause_parse(const char *text);

/* ---- Playback's files ---- */

/* The folder of sound files; copied; NULL: none. 0; -1: no memory. */
int chan_set_sounds(const char *folder);
/* The file of a sound's name; refuses what leads out of the folder. 0; -1. */
int chan_sound_path(const char *name, char *out, size_t size);

/* ---- for the server ---- */

/* Registers the applications and the SIP driver. After res_sip_session. 0; -1 logged, all undone.
 */
int chan_start(void);
/* Hangs up every channel, unregisters, drops the dialplan. Before res_sip_session stops. */
void chan_stop(void);
/* The shipped applications alone. 0; -1 logged. */
int chan_register_applications(void);
void chan_unregister_applications(void);
/* The SIP driver (sip_driver.c) alone; chan_start calls them. */
int chan_sip_start(void);
/* OPTIONS for an extension (sip_options.c) */
int chan_options_start(void);
void chan_options_stop(void);
/* 1, the default: one that does not exist is told so; 0: OPTIONS never ask the dialplan. */
void chan_options_need_extension(int need);
void chan_sip_stop(void);

#endif
