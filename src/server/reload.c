/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server: a reload. The files are read on the blocking pool, without the SIP thread; what was
 * read comes into force in one task of it, all or nothing. One reload at a time: those that are asked
 * for meanwhile are one more behind it.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"
#include "media/media.h"
#include "res_sip/sip.h"
#include "server/server.h"

/* Who asked for it. */
struct asker {
    struct asker *next;
    void (*done)(int result, const char *text, void *data);
    void *data;
};

struct job {
    struct asker *askers;
    char *log_file; /* the one in force; opened anew */
    struct config_report *report;
    struct config config;
    FILE *out; /* into text */
    char *text;
    size_t length;
};

static struct {
    char *folder;
    int log_level;
    struct config *in_force; /* the server's; settings and sums of it are ours to change */
    struct base_module_list *modules;
    struct job *job;       /* NULL: no reload is under way */
    struct asker *waiting; /* for the next one */
    int stopping;
} reload;

/* ---- telling ---- */

static void tell(struct asker *askers, int result, const char *text)
{
    while (askers != NULL) {
        struct asker *next = askers->next;

        if (askers->done != NULL) {
            askers->done(result, text, askers->data);
        }
        free(askers);
        askers = next;
    }
}

static void free_job(struct job *job)
{
    if (job->out != NULL) {
        fclose(job->out);
    }
    config_report_free(job->report);
    config_release(&job->config);
    free(job->text);
    free(job->log_file);
    free(job);
}

static void finish(int result)
{
    struct job *job = reload.job;

    reload.job = NULL;
    fclose(job->out);
    job->out = NULL;
    tell(job->askers, result, job->text != NULL ? job->text : "");
    free_job(job);
}

static int refuse(const char *why)
{
    ast_error("Reload refused, nothing has changed: %s", why);
    fprintf(reload.job->out, "Reload refused, nothing has changed: %s\n", why);
    return -1;
}

/* What the rooms log while they are changed is told, too. */
static void copy_log(int level, const char *text, void *data)
{
    static const char *const words[] = {"error: ", "warning: ", ""};

    fprintf(data, "%s%s\n", words[level], text);
}

/* ---- reading: on the blocking pool ---- */

static int read_files(void *data)
{
    struct job *job = data;

    if (job->log_file != NULL) { /* somebody may have renamed it (log rotation) */
        base_log_open(job->log_file);
    }
    return config_load(reload.folder, job->report, &job->config);
}

/* ---- putting into force ---- */

static void commit(struct job *job)
{
    struct config *now = reload.in_force;

    sip_reload_commit();
    job->config.sip = NULL;
    pbx_set(job->config.pbx);
    job->config.pbx = NULL;
    media_reload_commit(&job->config.settings.media);
    server_settings_commit(&now->settings, &job->config.settings);
    base_module_list_change_commit(reload.modules); /* it goes by what is in force now */
    sip_reload_tell();
}

/* All that can fail. 0; -1 logged, and nothing of it is left. */
static int prepare(struct job *job)
{
    struct config_settings *next = &job->config.settings;

    if (sip_reload_prepare(job->config.sip) != 0) {
        return -1;
    }
    if (media_reload_prepare(&next->media) == 0 &&
        base_module_list_change(reload.modules, next->modules) == 0) {
        if (server_settings_prepare(&reload.in_force->settings, next) == 0) {
            return 0;
        }
        base_module_list_change_abandon(reload.modules);
    }
    sip_reload_abandon();
    return -1;
}

static void tell_changes(const struct job *job)
{
    const struct config_sums *before = reload.in_force->sums, *now = job->config.sums;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (out == NULL) {
        return;
    }
    if (before != NULL && now != NULL && config_sums_compare(before, now, out) == 0) {
        fputs("No section has changed\n", out);
    }
    if (fclose(out) == 0) {
        char *rest = text, *line;

        fputs(text, job->out);
        while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
            ast_notice("Reload: %s", line);
        }
    }
    free(text);
}

/* 0; -1: told why. */
static int apply(struct job *job)
{
    struct config *now = reload.in_force, taken;
    int result;

    if (job->config.settings.log_level < reload.log_level) {
        job->config.settings.log_level = reload.log_level;
    }
    base_log_copy(copy_log, job->out);
    result = prepare(job);
    if (result == 0) {
        commit(job);
    }
    base_log_copy(NULL, NULL);
    if (result != 0) {
        return refuse("see the errors");
    }
    tell_changes(job);
    taken = *now;
    *now = job->config;
    job->config = taken; /* freed with the job */
    fputs("Reload done\n", job->out);
    ast_notice("Reload done");
    return 0;
}

static void start_next(void);

static void on_read(void *data, int result)
{
    struct job *job = data;
    char why[100];

    config_report_log(job->report);
    config_report_print(job->report, job->out);
    if (reload.stopping) {
        result = refuse("the server stops");
    } else if (result != 0) {
        snprintf(why, sizeof(why), "%u error%s", config_report_errors(job->report),
                 config_report_errors(job->report) == 1 ? "" : "s");
        result = refuse(why);
    } else {
        result = apply(job);
    }
    finish(result);
    start_next();
}

/* ---- asking ---- */

/* NULL: no memory. */
static struct job *make_job(void)
{
    const char *log_file = reload.in_force->settings.log_file;
    struct job *job = calloc(1, sizeof(*job));

    if (job == NULL) {
        return NULL;
    }
    job->report = config_report_create();
    job->out = open_memstream(&job->text, &job->length);
    job->log_file = log_file != NULL ? strdup(log_file) : NULL;
    if (job->report == NULL || job->out == NULL || (log_file != NULL && job->log_file == NULL)) {
        free_job(job);
        return NULL;
    }
    return job;
}

static void start_next(void)
{
    struct asker *askers = reload.waiting;
    struct job *job;

    reload.waiting = NULL;
    if (askers == NULL) {
        return;
    }
    job = reload.stopping ? NULL : make_job();
    if (job == NULL || ast_sip_push_blocking(read_files, on_read, job) != 0) {
        tell(askers, -1,
             "Reload refused, nothing has changed: the server stops, or has no memory\n");
        if (job != NULL) {
            free_job(job);
        }
        return;
    }
    job->askers = askers;
    reload.job = job;
}

static int on_asked(void *data)
{
    struct asker *asker = data, **end = &reload.waiting;

    if (reload.folder == NULL) {
        tell(asker, -1, "This server has no configuration files\n");
        return 0;
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = asker;
    if (reload.job == NULL) {
        start_next();
    }
    return 0;
}

int ast_server_reload(void (*done)(int result, const char *text, void *data), void *data)
{
    struct asker *asker = calloc(1, sizeof(*asker));

    if (asker == NULL) {
        return -1;
    }
    asker->done = done;
    asker->data = data;
    if (ast_sip_push_task(on_asked, asker) != 0) {
        free(asker);
        return -1;
    }
    return 0;
}

/* ---- start and stop ---- */

int server_reload_start(const char *folder, int log_level, struct config *in_force,
                        struct base_module_list *modules)
{
    reload.folder = folder != NULL ? strdup(folder) : NULL;
    reload.log_level = log_level;
    reload.in_force = in_force;
    reload.modules = modules;
    reload.stopping = 0;
    return folder == NULL || reload.folder != NULL ? 0 : -1;
}

void server_reload_stop(void)
{
    reload.stopping = 1;
}

void server_reload_forget(void)
{
    base_assert(reload.job == NULL && reload.waiting == NULL); /* their tasks have run */
    free(reload.folder);
    reload.folder = NULL;
}
