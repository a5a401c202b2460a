/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server as a whole: makes the SIP thread, starts every room on it in order, and ends them in
 * the reverse order. The only place where one thread waits for another is here, at the start and at
 * the end.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sipsession/log.h>

#include "channel/channel.h"
#include "config/config.h"
#include "control/control.h"
#include "media/media.h"
#include "res_sip_session/session.h"
#include "server/server.h"
#include "store/store.h"

/* How often a stop looks whether the calls have ended, in ms */
#define STOP_POLL 20

enum progress { STARTING, RUNNING, FAILED };

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum progress progress;                   /* under the lock */
    const struct ast_server_options *options; /* the caller's, while it waits for the start */
    struct config config;
    struct base_module_list *modules;
    pj_timer_entry stop_timer;
    unsigned stop_left; /* polls until a stop does not wait any longer; 0: nobody asked for one */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void ast_server_options_init(struct ast_server_options *options)
{
    memset(options, 0, sizeof(*options));
}

const char *ast_server_version(void)
{
    return SIPSESSION_VERSION;
}

/*
 * Modules stand beside the library: in modules where it was built, in sipsession/modules where it
 * is installed. 0; -1: the path is too long.
 */
static int find_module_dir(const char *wanted, char *out, size_t size)
{
    static const char *const places[] = {"modules", "sipsession/modules"};
    const char *environment = getenv("SIPSESSION_MODULES");
    const char *slash;
    Dl_info info;

    if (wanted == NULL) {
        wanted = environment;
    }
    if (wanted != NULL) {
        return snprintf(out, size, "%s", wanted) < (int)size ? 0 : -1;
    }
    if (dladdr((void *)ast_server_version, &info) == 0 ||
        (slash = strrchr(info.dli_fname, '/')) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(places); ++i) {
        if (snprintf(out, size, "%.*s/%s", (int)(slash - info.dli_fname), info.dli_fname,
                     places[i]) >= (int)size) {
            return -1;
        }
        if (access(out, X_OK) == 0) {
            break;
        }
    }
    return 0;
}

/* Names separated by blanks; each is loaded. */
static int add_modules(struct base_module_list *list, const char *names)
{
    char *copy = strdup(names);
    char *rest = copy;
    char *name;
    int result = copy != NULL ? 0 : -1;

    while (copy != NULL && (name = strsep(&rest, " \t\n")) != NULL) {
        if (*name != '\0' && base_module_list_add(list, name) != 0) {
            result = -1;
        }
    }
    free(copy);
    return result;
}

static void stop_modules(void)
{
    base_module_list_destroy(server.modules);
    server.modules = NULL;
}

static int start_modules(void)
{
    char folder[PATH_MAX];

    if (find_module_dir(server.options->module_dir, folder, sizeof(folder)) != 0) {
        ast_error("Cannot tell where the modules are: name the folder, or set SIPSESSION_MODULES");
        return -1;
    }
    server.modules = base_module_list_create(folder);
    if (server.modules == NULL) {
        return -1;
    }
    if (add_modules(server.modules, server.config.settings.modules) != 0 ||
        base_module_list_start(server.modules) != 0) {
        stop_modules();
        return -1;
    }
    return 0;
}

/* The rooms, in the order of their start; each undoes itself when it fails. */
static int start_sip(void)
{
    struct sip_config *config = server.config.sip;

    server.config.sip = NULL;
    return sip_start(config);
}

static int start_store(void)
{
    return store_start(server.config.settings.store_file);
}

static int start_media(void)
{
    return media_start(&server.config.settings.media, ast_sip_push_task);
}

static int start_channels(void)
{
    if (chan_start() != 0) {
        return -1;
    }
    pbx_set(server.config.pbx);
    server.config.pbx = NULL;
    chan_options_need_extension(server.config.settings.options_need_extension);
    if (server.config.settings.sounds != NULL &&
        chan_set_sounds(server.config.settings.sounds) != 0) {
        chan_stop();
        return -1;
    }
    return 0;
}

static int start_reload(void)
{
    return server_reload_start(server.options->config_dir, server.options->log_level,
                               &server.config, server.modules);
}

/* A folder that may not be written to has no socket unless one was asked for by name. */
static int start_control(void)
{
    const char *path = server.config.settings.control_socket;
    size_t folder = server.options->config_dir != NULL ? strlen(server.options->config_dir) : 0;

    if (path == NULL || control_start(path, server_request, NULL) == 0) {
        return 0;
    }
    if ((errno == EACCES || errno == EROFS || errno == EPERM) &&
        strncmp(path, server.options->config_dir, folder) == 0 &&
        strcmp(path + folder, "/" CONFIG_CONTROL_SOCKET) == 0) {
        ast_warning("`sipsession reload` cannot reach this server, SIGHUP can");
        return 0;
    }
    return -1;
}

static int start_program(void)
{
    return server.options->started != NULL ? server.options->started(server.options->data) : 0;
}

/* Streams and files may have something to say at their end, to code of modules: it is said before
 * those go. */
static void run_last_tasks(void)
{
    while (base_task_queue_length(sip_tasks()) > 0) {
        base_task_queue_run(sip_tasks(), 64);
    }
}

static void stop_media(void)
{
    media_stop();
    run_last_tasks();
}

static const struct room {
    const char *name;
    int (*start)(void);
    void (*stop)(void);
} rooms[] = {
    {"res_sip", start_sip, sip_destroy},
    {"the store", start_store, store_stop},
    {"res_sip_session", session_start, session_stop},
    {"channels", start_channels, chan_stop},
    {"modules", start_modules, stop_modules},
    {"media", start_media, stop_media},
    {"the program", start_program, session_drop_all},
    {"reloads", start_reload, server_reload_stop},
    {"control", start_control, control_stop},
};

static void stop_rooms(size_t count)
{
    while (count > 0) {
        rooms[--count].stop();
    }
}

static int start_rooms(void)
{
    for (size_t i = 0; i < PJ_ARRAY_SIZE(rooms); ++i) {
        if (rooms[i].start() != 0) {
            ast_error("Starting %s failed", rooms[i].name);
            stop_rooms(i);
            return -1;
        }
    }
    return 0;
}

static void tell_progress(enum progress progress)
{
    pthread_mutex_lock(&server.lock);
    server.progress = progress;
    pthread_cond_broadcast(&server.changed);
    pthread_mutex_unlock(&server.lock);
}

static void *sip_thread(void *unused)
{
    (void)unused;
    if (start_rooms() == 0) {
        ast_notice("sipsession %s is ready", SIPSESSION_VERSION);
        server.options = NULL;
        tell_progress(RUNNING);
        sip_run();
        stop_rooms(PJ_ARRAY_SIZE(rooms));
        ast_notice("sipsession has stopped");
    } else {
        tell_progress(FAILED);
    }
    return NULL;
}

int ast_server_start(const struct ast_server_options *options)
{
    enum progress progress;

    if (server_setup(options, &server.config) != 0) {
        return -1;
    }
    ast_log_set_level(server.config.settings.log_level);
    if (server.config.settings.log_file != NULL &&
        base_log_open(server.config.settings.log_file) != 0) {
        config_release(&server.config);
        return -1;
    }
    server.options = options;
    server.progress = STARTING;
    server.stop_left = 0;
    if (pthread_create(&server.thread, NULL, sip_thread, NULL) != 0) {
        ast_error("Cannot make the SIP thread");
        config_release(&server.config);
        base_log_close();
        return -1;
    }
    pthread_mutex_lock(&server.lock);
    while (server.progress == STARTING) {
        pthread_cond_wait(&server.changed, &server.lock);
    }
    progress = server.progress;
    pthread_mutex_unlock(&server.lock);
    if (progress == FAILED) {
        ast_server_wait();
        return -1;
    }
    return 0;
}

void ast_server_wait(void)
{
    pthread_join(server.thread, NULL);
    server_reload_forget();
    config_release(&server.config);
    base_log_close();
}

static void poll_stop(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    const pj_time_val delay = {0, STOP_POLL};

    (void)heap;
    if ((ast_sip_session_count() == 0 && !sip_registrations_busy()) || --server.stop_left == 0 ||
        pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), entry, &delay) != PJ_SUCCESS) {
        sip_stop();
    }
}

static int stop_when_idle(void *unused)
{
    (void)unused;
    if (server.stop_left > 0) {
        return 0;
    }
    server.stop_left = SERVER_STOP_SECONDS * 1000 / STOP_POLL;
    sip_set_stopping();
    server_reload_stop();
    sip_registrations_stop();
    chan_hangup_all(AST_CAUSE_CONGESTION); /* 503 to those that are not answered */
    session_terminate_all();               /* those without a channel */
    pj_timer_entry_init(&server.stop_timer, 0, NULL, poll_stop);
    poll_stop(NULL, &server.stop_timer);
    return 0;
}

static int stop_at_once(void *unused)
{
    (void)unused;
    if (server.stop_left > 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &server.stop_timer);
    }
    sip_stop();
    return 0;
}

void ast_server_stop(int at_once)
{
    if (ast_sip_push_task(at_once ? stop_at_once : stop_when_idle, NULL) != 0) {
        ast_debug("The server is stopping already");
    }
}

int ast_server_ask(const char *config_dir, const char *socket, const char *request, FILE *out)
{
    char path[PATH_MAX];
    int status, why;

    if (socket == NULL && config_control_path(config_dir, path, sizeof(path)) != 0) {
        ast_error("%s: [control] socket of sipsession.conf names no socket", config_dir);
        return -1;
    }
    socket = socket != NULL ? socket : path;
    status = control_ask(socket, request, out, &why);
    if (status < 0) {
        ast_error("%s: %s", socket,
                  why == ENOENT || why == ECONNREFUSED ? "no server listens there"
                  : why == ECONNRESET                  ? "the server ended before it answered"
                                                       : strerror(why));
    }
    return status;
}
