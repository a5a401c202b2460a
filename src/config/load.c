/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: the folder as a whole: its three files, and what one of them says of another.
 */
#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Path of a file in the folder; -1: too long, reported. */
static int path_of(const char *dir, const char *name, struct config_report *report, char *path,
                   size_t size)
{
    int length = snprintf(path, size, "%s/%s", dir, name);

    if (length < 0 || (size_t)length >= size) {
        config_error(report, name, 0, "the path of its folder is too long");
        return -1;
    }
    return 0;
}

static void load_settings(const char *dir, struct config_report *report, struct config *config)
{
    char path[PATH_MAX];

    if (path_of(dir, "sipsession.conf", report, path, sizeof(path)) == 0) {
        config_settings_load(path, report, &config->settings);
    }
}

static void load_pjsip(const char *dir, struct config_report *report, struct config *config)
{
    char path[PATH_MAX];

    if (path_of(dir, "pjsip.conf", report, path, sizeof(path)) == 0) {
        config_pjsip_load(path, config->pbx, report, &config->sip);
    }
}

/* Files of the field that bring endpoints too: who has one must know that it is not read. */
static void look_for_wizard(const char *dir, struct config_report *report)
{
    char path[PATH_MAX];

    if (path_of(dir, "pjsip_wizard.conf", report, path, sizeof(path)) == 0 &&
        access(path, F_OK) == 0) {
        config_warning(report, path, 0,
                       "pjsip_wizard.conf is not supported: nothing of it has an effect");
    }
}

static void load_extensions(const char *dir, struct config_report *report, struct config *config)
{
    char path[PATH_MAX];

    if (path_of(dir, "extensions.conf", report, path, sizeof(path)) != 0) {
        return;
    }
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        config_warning(report, path, 0, "there is no such file: every call is refused with 404");
        return;
    }
    config_extensions_load(path, report, &config->pbx);
}

/* What sipsession.conf says of SIP goes to where it has its effect. */
static void give_settings(struct config *config)
{
    config->sip->guard = config->settings.guard;
    config->sip->authentication = config->settings.authentication;
    config->sip->access = config->settings.access;
    config->settings.access.exempt = NULL;
    config->settings.access.exempt_count = 0;
    config->sip->overload = config->settings.overload;
    config->settings.overload.emergency_numbers = NULL;
    config->sip->global.nameservers = config->settings.nameservers;
    config->settings.nameservers = NULL;
}

int config_load(const char *dir, struct config_report *report, struct config *config)
{
    unsigned errors_before = config_report_errors(report);
    struct config read;

    memset(&read, 0, sizeof(read));
    load_settings(dir, report, &read);
    load_extensions(dir, report, &read);
    load_pjsip(dir, report, &read); /* it looks contexts up in the dialplan */
    if (read.pbx && read.sip) {
        config_extensions_check_begin(read.pbx, read.sip->global.shared.regcontext, report);
    }
    look_for_wizard(dir, report);
    if (config_report_errors(report) > errors_before) {
        config_release(&read);
        return -1;
    }
    give_settings(&read);
    read.sums = config_sums_read(dir);
    *config = read;
    return 0;
}

void config_release(struct config *config)
{
    config_settings_release(&config->settings);
    sip_config_destroy(config->sip);
    pbx_unref(config->pbx);
    config_sums_free(config->sums);
    memset(config, 0, sizeof(*config));
}

static const char *plural(unsigned count)
{
    return count == 1 ? "" : "s";
}

int config_check(const char *dir, FILE *out)
{
    struct config_report *report = config_report_create();
    struct config config;
    unsigned errors, warnings;

    if (!report) {
        fprintf(out, "%s: error: out of memory\n", dir);
        return 1;
    }
    if (config_load(dir, report, &config) == 0) {
        config_release(&config);
    }
    config_report_print(report, out);
    errors = config_report_errors(report);
    warnings = config_report_warnings(report);
    fprintf(out, "%s: %u error%s, %u warning%s\n", dir, errors, plural(errors), warnings,
            plural(warnings));
    config_report_free(report);
    return errors > INT_MAX ? INT_MAX : (int)errors;
}
