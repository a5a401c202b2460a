/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake.h. */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/media.h"

char fake_notes[4096];

void fake_note(const char *format, ...)
{
    size_t length = strlen(fake_notes);
    va_list args;

    if (length > 0 && length + 1 < sizeof(fake_notes)) {
        fake_notes[length++] = ' ';
    }
    va_start(args, format);
    vsnprintf(fake_notes + length, sizeof(fake_notes) - length, format, args);
    va_end(args);
}

/* What the fakes need themselves never fails. */
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);

/* ---- tasks ---- */

struct job {
    struct job *next;
    int (*task)(void *data);
    void (*done)(void *data, int result);
    void *data;
};

static struct job *tasks, *blocking;
int fake_push_fails;

static int push(struct job **queue, int (*task)(void *data), void (*done)(void *data, int result),
                void *data)
{
    struct job *job;

    if (fake_push_fails || (job = __real_calloc(1, sizeof(*job))) == NULL) {
        return -1;
    }
    job->task = task;
    job->done = done;
    job->data = data;
    while (*queue != NULL) {
        queue = &(*queue)->next;
    }
    *queue = job;
    return 0;
}

static unsigned run(struct job **queue)
{
    struct job *job = *queue, *next;
    unsigned count = 0;

    *queue = NULL;
    for (; job != NULL; job = next, ++count) {
        int result = job->task(job->data);

        next = job->next;
        if (job->done != NULL) {
            job->done(job->data, result);
        }
        free(job);
    }
    return count;
}

int ast_sip_push_task(int (*task)(void *data), void *data)
{
    return push(&tasks, task, NULL, data);
}

int ast_sip_push_blocking(int (*work)(void *data), void (*done)(void *data, int result), void *data)
{
    return push(&blocking, work, done, data);
}

unsigned fake_run_tasks(void)
{
    return run(&tasks);
}

unsigned fake_run_blocking(void)
{
    return run(&blocking);
}

struct ast_sip_global fake_global;

const struct ast_sip_global *ast_sip_get_global(void)
{
    return &fake_global;
}

struct ast_sip_contact fake_contact;
const char *fake_aor;

const struct ast_sip_contact *ast_sip_aor_contacts(const char *aor)
{
    return fake_aor != NULL && strcmp(fake_aor, aor) == 0 ? &fake_contact : NULL;
}

int ast_sip_contact_expired(const struct ast_sip_contact *contact)
{
    return contact->expires < 1000;
}

pj_str_t ast_sip_user_of(const pj_str_t *user)
{
    return *user;
}

pjsip_endpoint *ast_sip_get_pjsip_endpoint(void)
{
    abort(); /* time is simulated */
}

/* ---- time ---- */

#define MAX_TIMERS 64

static struct {
    pj_timer_entry *entry;
    unsigned long long due;
} timers[MAX_TIMERS];

static unsigned timer_count;
static unsigned long long now;

static int schedule(pj_timer_entry *entry, const pj_time_val *delay)
{
    if (timer_count == MAX_TIMERS) {
        return -1;
    }
    timers[timer_count].entry = entry;
    timers[timer_count++].due =
        now + (unsigned long long)delay->sec * 1000 + (unsigned long long)delay->msec;
    return 0;
}

static void cancel(pj_timer_entry *entry)
{
    for (unsigned i = 0; i < timer_count; ++i) {
        if (timers[i].entry == entry) {
            timers[i] = timers[--timer_count];
            return;
        }
    }
    fail_msg("a timer was cancelled that does not run");
}

static const struct chan_clock clock_of_tests = {schedule, cancel};

static __attribute__((constructor)) void set_clock(void)
{
    chan_clock = &clock_of_tests;
}

unsigned fake_timers(void)
{
    return timer_count;
}

void fake_pass(unsigned milliseconds)
{
    unsigned long long until = now + milliseconds;

    for (;;) {
        unsigned first = MAX_TIMERS;
        pj_timer_entry *entry;

        for (unsigned i = 0; i < timer_count; ++i) {
            if (timers[i].due <= until &&
                (first == MAX_TIMERS || timers[i].due < timers[first].due)) {
                first = i;
            }
        }
        if (first == MAX_TIMERS) {
            break;
        }
        entry = timers[first].entry;
        now = timers[first].due;
        timers[first] = timers[--timer_count];
        entry->cb(NULL, entry);
    }
    now = until;
}

/* ---- channels ---- */

int fake_answer_fails;
void (*fake_on_answer)(struct ast_channel *channel);

static int answer(struct ast_channel *channel)
{
    fake_note("answer");
    if (fake_on_answer != NULL) {
        fake_on_answer(channel);
    }
    return fake_answer_fails ? -1 : 0;
}

static int indicate(struct ast_channel *channel, enum ast_control control)
{
    static const char *const names[] = {"proceeding", "ringing", "progress"};

    (void)channel;
    fake_note("%s", names[control]);
    return 0;
}

static void hangup(struct ast_channel *channel)
{
    fake_note("hangup:%d", ast_channel_get_cause(channel));
}

const struct ast_channel_tech fake_tech = {.name = "Fake",
                                           .answer = answer,
                                           .indicate = indicate,
                                           .hangup = hangup};

struct ast_channel *fake_channel(const char *context, const char *exten)
{
    static const struct ast_party_id caller = {.name = "Alice", .number = "100"};
    struct ast_channel_options options = {.tech = &fake_tech,
                                          .name = "Fake/alice-00000001",
                                          .state = AST_CHANNEL_RING,
                                          .context = context,
                                          .exten = exten,
                                          .caller = &caller};

    return ast_channel_create(&options);
}

/* ---- dialplans ---- */

/* One line of a context; returns 0, -1: no memory. */
static int add_line(struct pbx *pbx, struct pbx_context *context, char *line)
{
    struct pbx_step step = {.args = (char *)"", .line = 1};
    char why[160], *args = strchr(line, '\0');
    char *caller, *priority = strchr(line, ','), *application;
    struct pbx_exten *exten;

    *priority++ = '\0';
    application = strchr(priority, ',');
    *application++ = '\0';
    step.application = application;
    if ((args = strchr(application, '(')) != NULL) {
        *args++ = '\0';
        args[strlen(args) - 1] = '\0';
        step.args = args;
    }
    if ((step.label = strchr(priority, '(')) != NULL) {
        *step.label++ = '\0';
        step.label[strlen(step.label) - 1] = '\0';
    }
    if ((caller = strchr(line, '/')) != NULL) {
        *caller++ = '\0';
    }
    step.priority = atoi(priority);
    exten = pbx_add_exten(context, line, caller, why, sizeof(why));
    if (exten == NULL) {
        assert_string_equal(why, "");
        return -1;
    }
    step.file = pbx_add_file(pbx, "test.conf");
    return step.file != NULL ? pbx_add_step(exten, &step) : -1;
}

struct pbx *fake_pbx(const char *text)
{
    struct pbx *pbx = pbx_create();
    struct pbx_context *context = NULL;
    char *copy = __real_strdup(text), *rest = copy, *line;
    int result = pbx != NULL ? 0 : -1;

    while (result == 0 && (line = strsep(&rest, "\n")) != NULL) {
        if (line[0] == '[') {
            line[strlen(line) - 1] = '\0';
            context = pbx_add_context(pbx, line + 1);
            result = context != NULL ? 0 : -1;
        } else if (line[0] == '>') {
            result = pbx_add_include(context, line + 1);
        } else if (line[0] != '\0') {
            result = add_line(pbx, context, line);
        }
    }
    if (result == 0) {
        result = pbx_finish(pbx);
    }
    free(copy);
    if (result != 0) {
        pbx_unref(pbx);
        return NULL;
    }
    return pbx;
}

static int registered;

void fake_dialplan(const char *text)
{
    struct pbx *pbx = fake_pbx(text);

    assert_non_null(pbx);
    if (!registered) {
        assert_int_equal(chan_register_applications(), 0);
        assert_int_equal(ast_register_application(&fake_app_note), 0);
        assert_int_equal(ast_register_application(&fake_app_hold), 0);
        registered = 1;
    }
    pbx_set(pbx);
}

void fake_clean(void)
{
    pbx_set(NULL);
    if (registered) {
        ast_unregister_application(&fake_app_note);
        ast_unregister_application(&fake_app_hold);
        chan_unregister_applications();
        registered = 0;
    }
    assert_int_equal(fake_run_tasks(), 0);
    assert_int_equal(fake_run_blocking(), 0);
    assert_int_equal(chan_count(), 0);
    assert_int_equal(fake_timers(), 0);
    assert_int_equal(fake_wavs, 0);
    fake_notes[0] = '\0';
}

static enum ast_application_result note(struct ast_channel *channel, const char *args)
{
    (void)channel;
    fake_note("%s", args);
    return AST_APPLICATION_DONE;
}

const struct ast_application fake_app_note = {.name = "Note", .synopsis = "note", .start = note};

static enum ast_application_result hold(struct ast_channel *channel, const char *args)
{
    (void)channel;
    fake_note("%s", args);
    return AST_APPLICATION_RUNNING;
}

static void hold_stop(struct ast_channel *channel)
{
    (void)channel;
    fake_note("stop");
}

const struct ast_application fake_app_hold = {.name = "Hold",
                                              .synopsis = "hold",
                                              .start = hold,
                                              .stop = hold_stop};

/* ---- audio ---- */

void fake_rtp_release(struct fake_rtp *rtp)
{
    const struct ast_audio *audio = rtp->audio;

    rtp->audio = NULL;
    if (audio != NULL && audio->released != NULL) {
        audio->released(rtp->data);
    }
}

void fake_rtp_finish(struct fake_rtp *rtp)
{
    assert_non_null(rtp->audio);
    rtp->audio->finished(rtp->data);
}

void ast_rtp_set_idle(struct ast_rtp *handle)
{
    struct fake_rtp *rtp = (struct fake_rtp *)handle;

    rtp->mode = 'i';
    fake_rtp_release(rtp);
}

int ast_rtp_send_dtmf(struct ast_rtp *handle, char digit, unsigned duration_ms)
{
    fake_note("rtp:%c/%u", digit, duration_ms);
    return ((struct fake_rtp *)handle)->refuses ? -1 : 0;
}

void ast_rtp_set_echo(struct ast_rtp *handle)
{
    struct fake_rtp *rtp = (struct fake_rtp *)handle;

    rtp->mode = 'e';
    fake_rtp_release(rtp);
}

int ast_rtp_set_audio(struct ast_rtp *handle, const struct ast_audio *audio, void *data)
{
    struct fake_rtp *rtp = (struct fake_rtp *)handle;

    if (rtp->refuses) {
        return -1;
    }
    fake_rtp_release(rtp);
    rtp->mode = 'a';
    rtp->audio = audio;
    rtp->data = data;
    return 0;
}

const char *fake_missing_file;
int fake_wavs;

int media_wav_load(const char *path, struct media_wav **wav)
{
    fake_note("load:%s", path);
    if (fake_missing_file != NULL && strcmp(path, fake_missing_file) == 0) {
        return -1;
    }
    *wav = __real_calloc(1, sizeof(**wav));
    (*wav)->refs = 1;
    ++fake_wavs;
    return 0;
}

struct media_wav *media_wav_ref(struct media_wav *wav)
{
    ++wav->refs;
    return wav;
}

void media_wav_unref(struct media_wav *wav)
{
    if (--wav->refs == 0) {
        free(wav);
        --fake_wavs;
    }
}

struct media_wav_player {
    struct media_wav *wav;
    const struct ast_audio *events;
    void *data;
};

struct media_wav_player *media_wav_player_create(struct media_wav *wav,
                                                 const struct ast_audio *events, void *data)
{
    struct media_wav_player *player = malloc(sizeof(*player));

    if (player != NULL) {
        ++fake_wavs;
        *player = (struct media_wav_player){media_wav_ref(wav), events, data};
    }
    return player;
}

void media_wav_player_destroy(struct media_wav_player *player)
{
    media_wav_unref(player->wav);
    free(player);
    --fake_wavs;
}

static void player_finished(void *data)
{
    struct media_wav_player *player = data;

    player->events->finished(player->data);
}

static void player_released(void *data)
{
    struct media_wav_player *player = data;

    player->events->released(player->data);
    media_wav_player_destroy(player);
}

const struct ast_audio media_wav_player_audio = {.finished = player_finished,
                                                 .released = player_released};

/* ---- sessions ---- */

#define MAX_EXTENSIONS 16

static struct ast_sip_session_extension *extensions[MAX_EXTENSIONS];
static unsigned extension_count;
int fake_register_fails_at;

static struct fake_session *fake(const struct ast_sip_session *session)
{
    return (struct fake_session *)session;
}

unsigned fake_extensions(void)
{
    return extension_count;
}

int ast_sip_session_register_extension(struct ast_sip_session_extension *extension)
{
    unsigned at = extension_count;

    if (fake_register_fails_at != 0 && (int)extension_count + 1 == fake_register_fails_at) {
        return -1;
    }
    while (at > 0 && extensions[at - 1]->priority > extension->priority) {
        extensions[at] = extensions[at - 1];
        --at;
    }
    extensions[at] = extension;
    ++extension_count;
    return 0;
}

void ast_sip_session_unregister_extension(struct ast_sip_session_extension *extension)
{
    for (unsigned i = 0; i < extension_count; ++i) {
        if (extensions[i] == extension) {
            memmove(&extensions[i], &extensions[i + 1],
                    (extension_count - i - 1) * sizeof(*extensions));
            --extension_count;
            return;
        }
    }
    fail_msg("an extension was unregistered that is not registered");
}

void fake_session_init(struct fake_session *session)
{
    memset(session, 0, sizeof(*session));
    session->endpoint.name = (char *)"alice";
    session->endpoint.context = (char *)"demo";
    session->endpoint.allow_overlap = 1;
    session->session.endpoint = &session->endpoint;
    session->state = AST_SIP_SESSION_STATE_INCOMING;
}

void fake_session_end(struct fake_session *session, int status)
{
    if (session->state == AST_SIP_SESSION_STATE_ENDED) {
        return;
    }
    session->state = AST_SIP_SESSION_STATE_ENDED;
    session->end_status = status;
    for (unsigned i = 0; i < extension_count; ++i) {
        if (extensions[i]->session_end != NULL) {
            extensions[i]->session_end(&session->session);
        }
    }
}

int fake_session_request(struct fake_session *session, const char *method, pjsip_rx_data *rdata)
{
    for (unsigned i = 0; i < extension_count; ++i) {
        if (extensions[i]->incoming_request != NULL &&
            (extensions[i]->method == NULL || strcmp(extensions[i]->method, method) == 0) &&
            extensions[i]->incoming_request(&session->session, rdata) != 0) {
            return 1;
        }
    }
    return 0;
}

void fake_session_response(struct fake_session *session, const char *method, pjsip_rx_data *rdata)
{
    for (unsigned i = 0; i < extension_count; ++i) {
        if (extensions[i]->incoming_response != NULL &&
            (extensions[i]->method == NULL || strcmp(extensions[i]->method, method) == 0)) {
            extensions[i]->incoming_response(&session->session, rdata);
        }
    }
}

struct ast_sip_session *ast_sip_session_ref(struct ast_sip_session *session)
{
    ++fake(session)->refs;
    return session;
}

void ast_sip_session_unref(struct ast_sip_session *session)
{
    assert_true(fake(session)->refs > 0);
    --fake(session)->refs;
}

enum ast_sip_session_state ast_sip_session_get_state(const struct ast_sip_session *session)
{
    return fake(session)->state;
}

int ast_sip_session_is_outgoing(const struct ast_sip_session *session)
{
    return fake(session)->outgoing;
}

int ast_sip_session_get_end_status(const struct ast_sip_session *session)
{
    return fake(session)->end_status;
}

int ast_sip_session_send_response(struct ast_sip_session *session, int code, pjsip_rx_data *rdata)
{
    (void)rdata;
    fake_note("%d", code);
    if (code >= 200 && code < 300) {
        fake(session)->state = AST_SIP_SESSION_STATE_CONNECTING;
    } else if (code >= 300) {
        fake_session_end(fake(session), code);
    } else if (code > 100) {
        fake(session)->state = AST_SIP_SESSION_STATE_EARLY;
    }
    return 0;
}

void ast_sip_session_terminate(struct ast_sip_session *session, int code)
{
    if (fake(session)->state == AST_SIP_SESSION_STATE_ENDED) {
        return;
    }
    if (fake(session)->state >= AST_SIP_SESSION_STATE_CONNECTING) {
        fake_note("bye");
        fake_session_end(fake(session), 200);
    } else {
        fake_note("%d", code);
        fake_session_end(fake(session), code);
    }
}

int ast_sip_session_get_identity(pjsip_rx_data *rdata, struct ast_party_id *id)
{
    const struct fake_session *session = rdata->endpt_info.mod_data[0];

    if (!session->has_identity) {
        return -1;
    }
    *id = session->identity;
    return 0;
}

int ast_sip_get_header(const pjsip_msg *msg, const char *name, char *out, size_t size)
{
    pj_str_t wanted = pj_str((char *)name);
    const pjsip_generic_string_hdr *hdr = pjsip_msg_find_hdr_by_name(msg, &wanted, NULL);

    if (hdr == NULL) {
        return -1;
    }
    base_copy_text(out, size, hdr->hvalue.ptr, (size_t)hdr->hvalue.slen);
    return 0;
}

/* ---- res_sip, of which the driver of OPTIONS is a service ---- */

int ast_sip_register_service(pjsip_module *module)
{
    (void)module;
    return 0;
}

void ast_sip_unregister_service(pjsip_module *module)
{
    (void)module;
}

struct ast_sip_endpoint *ast_pjsip_rdata_get_endpoint(pjsip_rx_data *rdata)
{
    (void)rdata;
    return NULL;
}
