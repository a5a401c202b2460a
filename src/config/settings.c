/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: sipsession.conf, for what only this project has. One option table for each section.
 */
#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <sipsession/log.h>

/* What the file says, before it is worked out. */
struct draft {
    struct config_settings settings;
    char *load;   /* names in the order of the lines, separated by blanks; NULL: no line */
    char *noload; /* likewise */
};

/* Whether a list of names, separated by blanks, holds this one. */
static int has_name(const char *list, const char *name, size_t length)
{
    while (list && *(list += strspn(list, " "))) {
        size_t its_length = strcspn(list, " ");

        if (its_length == length && strncmp(list, name, length) == 0) {
            return 1;
        }
        list += its_length;
    }
    return 0;
}

static int append_name(char **list, const char *name, size_t length)
{
    size_t used = *list ? strlen(*list) : 0;
    char *grown = realloc(*list, used + length + 2);

    if (!grown) {
        return -1;
    }
    if (used > 0) {
        grown[used++] = ' ';
    }
    memcpy(grown + used, name, length);
    grown[used + length] = '\0';
    *list = grown;
    return 0;
}

/* load and noload: one module a line. */
static int parse_module(void *object, const struct base_option *option, const char *value,
                        char *why, size_t why_size)
{
    char **list = (char **)((char *)object + option->offset);

    if (!*value || strpbrk(value, " \t,")) {
        snprintf(why, why_size, "expected the name of one module, or its path");
        return -1;
    }
    if (has_name(*list, value, strlen(value))) {
        snprintf(why, why_size, "'%s' is there already", value);
        return 1;
    }
    if (append_name(list, value, strlen(value)) != 0) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    return 0;
}

static void release_module(void *object, const struct base_option *option)
{
    char **list = (char **)((char *)object + option->offset);

    free(*list);
    *list = NULL;
}

#define DRAFT(member) .offset = offsetof(struct draft, member)

static const struct base_option modules_options[] = {
    {.name = "load",
     .kind = BASE_OPTION_CUSTOM,
     DRAFT(load),
     .parse = parse_module,
     .release = release_module,
     .help =
         "A module to load: its name, or the path of its file; one a line. The order does not matter."},
    {.name = "noload",
     .kind = BASE_OPTION_CUSTOM,
     DRAFT(noload),
     .parse = parse_module,
     .release = release_module,
     .help =
         "A module not to load; without any `load`, one of the defaults (" CONFIG_DEFAULT_MODULES
         ")."},
    {.name = NULL},
};

static const struct base_option rtp_options[] = {
    {.name = "start",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.media.port_start),
     .fallback = "10000",
     .min = 1024,
     .max = 65534,
     .help = "First port for RTP, an even number."},
    {.name = "end",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.media.port_end),
     .fallback = "20000",
     .min = 1025,
     .max = 65535,
     .help = "Last port. A stream takes two, for RTP and RTCP."},
    {.name = NULL},
};

static const struct base_option media_options[] = {
    {.name = "threads",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.media.threads),
     .fallback = "1",
     .min = 1,
     .max = MEDIA_MAX_THREADS,
     .help = "Threads that move RTP."},
    {.name = NULL},
};

/* In the order of enum ast_log_level. */
static const char *const levels[] = {"error", "warning", "notice", "verbose", "debug", NULL};

static const struct base_option log_options[] = {
    {.name = "level",
     .kind = BASE_OPTION_ENUM,
     DRAFT(settings.log_level),
     .fallback = "notice",
     .names = levels,
     .help = "How much is logged: this level and those before it."},
    {.name = "file",
     .kind = BASE_OPTION_STRING,
     DRAFT(settings.log_file),
     .help = "The file that the log is appended to; without it, standard error."},
    {.name = NULL},
};

static const struct base_option dns_options[] = {
    {.name = "servers",
     .kind = BASE_OPTION_STRING,
     DRAFT(settings.nameservers),
     .help = "Name servers, ADDRESS or ADDRESS:PORT, separated by commas; without it, those of the "
             "system (/etc/resolv.conf)."},
    {.name = NULL},
};

static const struct base_option dialplan_options[] = {
    {.name = "sounds",
     .kind = BASE_OPTION_STRING,
     DRAFT(settings.sounds),
     .help = "The folder of sound files for Playback; without it, there are none."},
    {.name = "options_need_extension",
     .kind = BASE_OPTION_BOOL,
     DRAFT(settings.options_need_extension),
     .fallback = "yes",
     .help = "Answer OPTIONS to an extension that does not exist as an INVITE would be (404, 484); "
             "no: answer 200 to all."},
    {.name = NULL},
};

/* The defaults are those of sip_guard_defaults, and a test compares. */
static const struct base_option guard_options[] = {
    {.name = "max_message_size",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.message_size),
     .fallback = "7999",
     .min = 1000,
     .max = 7999,
     .help = "Octets of a message: above, 513."},
    {.name = "max_body_size",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.body_size),
     .fallback = "7000",
     .min = 0,
     .max = 7999,
     .help = "Octets of a body: above, 413."},
    {.name = "max_uri_size",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.uri_size),
     .fallback = "1024",
     .min = 100,
     .max = 7999,
     .help = "Octets of a request's first line: above, 414."},
    {.name = "max_echoed_size",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.echoed_size),
     .fallback = "2500",
     .min = 500,
     .max = 4000,
     .help =
         "Octets of the headers that an answer repeats (Via, Record-Route, From, To, Call-ID) and of Contact: above, 513."},
    {.name = "max_header_fields",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.header_fields),
     .fallback = "200",
     .min = 20,
     .max = 2000,
     .help = "Header fields of a message: above, 400."},
    {.name = "max_option_tags",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.option_tags),
     .fallback = "16",
     .min = 4,
     .max = 32,
     .help = "Option tags of Require, and of Supported: above, 400."},
    {.name = "max_streams",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.streams),
     .fallback = "8",
     .min = 1,
     .max = 16,
     .help = "Streams (m= lines) of an SDP: above, 488."},
    {.name = "max_formats",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.formats),
     .fallback = "30",
     .min = 1,
     .max = 30,
     .help = "Formats of a stream: above, 488."},
    {.name = "max_attributes",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.attributes),
     .fallback = "60",
     .min = 8,
     .max = 60,
     .help = "Attributes (a= lines) of a stream, and of the SDP's head: above, 488."},
    {.name = "max_keys",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.keys),
     .fallback = "8",
     .min = 1,
     .max = 60,
     .help = "Keys (a=crypto lines) of a stream: above, 488."},
    {.name = "max_connections",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.connections),
     .fallback = "4000",
     .min = 1,
     .max = 8000,
     .help =
         "Connections that peers make to us: further ones are closed. Never more than half of the descriptors that the process may have."},
    {.name = "max_connections_per_source",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.connections_of_source),
     .fallback = "0",
     .min = 0,
     .max = 8000,
     .help = "The same of one address; 0: as many as there are."},
    {.name = "max_unsent",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.unsent),
     .fallback = "4000",
     .min = 10,
     .max = 100000,
     .help =
         "Messages that wait on a connection because the peer does not read: above, it is closed. When ten times as many wait on all connections together, one may have a hundredth."},
    {.name = "message_timeout",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.message_timeout),
     .fallback = "20",
     .min = 1,
     .max = 3600,
     .help =
         "Seconds that a message may take to arrive on a connection, and that a new connection may be silent: above, it is closed."},
    {.name = "idle_timeout",
     .kind = BASE_OPTION_UINT,
     DRAFT(settings.guard.idle_timeout),
     .fallback = "3700",
     .min = 5,
     .max = 86400,
     .help =
         "Seconds that a connection may be silent, keep-alives included, while nothing uses it: above, it is closed."},
    {.name = NULL},
};

static const struct base_option store_options[] = {
    {.name = "file",
     .kind = BASE_OPTION_STRING,
     DRAFT(settings.store_file),
     .fallback = "sipsession.db",
     .help = "The file of what outlives a restart, e.g. who is registered; a relative path starts "
             "from the folder of this file. It is made when something is to be kept. Empty: all of "
             "it is forgotten at the end."},
    {.name = NULL},
};

static const struct base_option control_options[] = {
    {.name = "socket",
     .kind = BASE_OPTION_STRING,
     DRAFT(settings.control_socket),
     .fallback = CONFIG_CONTROL_SOCKET,
     .help =
         "The UNIX domain socket that `sipsession reload` asks; a relative path starts from the "
         "folder of this file. Only the server's user may use it. Empty: there is none."},
    {.name = NULL},
};

static const struct base_option_table sections[] = {
    {.type = "modules",
     .help = "What is loaded.",
     .options = modules_options,
     .object_size = sizeof(struct draft)},
    {.type = "rtp",
     .help = "Ports of media.",
     .options = rtp_options,
     .object_size = sizeof(struct draft)},
    {.type = "media",
     .help = "Threads of media.",
     .options = media_options,
     .object_size = sizeof(struct draft)},
    {.type = "log",
     .help = "The log.",
     .options = log_options,
     .object_size = sizeof(struct draft)},
    {.type = "dns",
     .help = "How names of SIP servers are looked up (RFC 3263).",
     .options = dns_options,
     .object_size = sizeof(struct draft)},
    {.type = "guard",
     .help = "What a peer may send, and how many connections there may be.",
     .options = guard_options,
     .object_size = sizeof(struct draft)},
    {.type = "authentication",
     .help = "How requests authenticate themselves. See [security](security.md).",
     .options = config_authentication_options,
     .object_size = sizeof(struct draft)},
    {.type = "access",
     .help = "How often a source may ask, and how often it may fail. See [security](security.md).",
     .options = config_access_options,
     .object_size = sizeof(struct draft)},
    {.type = "overload",
     .help = "What is refused when there is too much. See [overload](overload.md).",
     .options = config_overload_options,
     .object_size = sizeof(struct draft)},
    {.type = "dialplan",
     .help = "What applications of the dialplan need.",
     .options = dialplan_options,
     .object_size = sizeof(struct draft)},
    {.type = "control",
     .help = "How the server is told what to do while it runs. See [reload](reload.md).",
     .options = control_options,
     .object_size = sizeof(struct draft)},
    {.type = "store",
     .help = "What outlives a restart.",
     .options = store_options,
     .object_size = sizeof(struct draft)},
};
#define SECTION_COUNT (sizeof(sections) / sizeof(sections[0]))

const struct base_option_table *config_settings_table(size_t index)
{
    return index < SECTION_COUNT ? &sections[index] : NULL;
}

static void free_draft(struct draft *draft)
{
    size_t i;

    for (i = 0; i < SECTION_COUNT; i++) {
        base_options_free(&sections[i], draft);
    }
    free(draft->settings.modules);
}

static const struct base_option_table *find_section(const char *name)
{
    size_t i;

    for (i = 0; i < SECTION_COUNT; i++) {
        if (strcasecmp(sections[i].type, name) == 0) {
            return &sections[i];
        }
    }
    return NULL;
}

static void read_section(struct config_report *report, const struct config_section *section,
                         struct draft *draft)
{
    const struct base_option_table *table = find_section(section->name);
    const char *names[SECTION_COUNT], *nearest;
    size_t i;

    if (table) {
        config_set_options(report, table, section, draft);
        return;
    }
    for (i = 0; i < SECTION_COUNT; i++) {
        names[i] = sections[i].type;
    }
    nearest = base_nearest_name(section->name, names, SECTION_COUNT);
    config_error(report, section->file, section->line, "unknown section [%s], expected e.g. [%s]",
                 section->name, nearest ? nearest : sections[0].type);
}

/* ---- what concerns several lines ---- */

/* The modules to load: those of load, else the defaults; without those of noload. */
static int work_out_modules(struct draft *draft)
{
    const char *name = draft->load ? draft->load : CONFIG_DEFAULT_MODULES;

    while (*(name += strspn(name, " "))) {
        size_t length = strcspn(name, " ");

        if (!has_name(draft->noload, name, length) &&
            append_name(&draft->settings.modules, name, length) != 0) {
            return -1;
        }
        name += length;
    }
    if (!draft->settings.modules) {
        draft->settings.modules = strdup("");
    }
    return draft->settings.modules ? 0 : -1;
}

/* A relative path starts from the folder of the file. */
static int make_absolute(char **path, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *joined;

    if (!*path || **path == '/' || !slash) {
        return 0;
    }
    if (asprintf(&joined, "%.*s/%s", (int)(slash - file), file, *path) < 0) {
        return -1;
    }
    free(*path);
    *path = joined;
    return 0;
}

static void check_ports(struct config_report *report, const struct config_file *file,
                        const char *path, const struct media_config *media)
{
    const struct config_section *section;
    const struct config_line *line = NULL;

    for (section = file->sections; section; section = section->next) {
        const struct config_line *its_line = config_section_get(section, "start");

        its_line = its_line ? its_line : config_section_get(section, "end");
        if (strcasecmp(section->name, "rtp") == 0 && its_line) {
            line = its_line;
        }
    }
    if (media->port_start % 2 != 0 || media->port_end <= media->port_start) {
        config_error(report, line ? line->file : path, line ? line->line : 0,
                     "RTP ports %u to %u, expected start to be even and end to be higher",
                     media->port_start, media->port_end);
    }
}

/* An empty path is none. */
static void drop_empty(char **text)
{
    if (*text && !**text) {
        free(*text);
        *text = NULL;
    }
}

static int finish(struct draft *draft, const char *path)
{
    drop_empty(&draft->settings.log_file);
    drop_empty(&draft->settings.sounds);
    drop_empty(&draft->settings.nameservers);
    drop_empty(&draft->settings.store_file);
    drop_empty(&draft->settings.control_socket);
    if (work_out_modules(draft) != 0 || make_absolute(&draft->settings.log_file, path) != 0 ||
        make_absolute(&draft->settings.sounds, path) != 0 ||
        make_absolute(&draft->settings.store_file, path) != 0 ||
        make_absolute(&draft->settings.control_socket, path) != 0) {
        return -1;
    }
    free(draft->load);
    free(draft->noload);
    draft->load = NULL;
    draft->noload = NULL;
    return 0;
}

static void read_sections(struct config_report *report, const char *path, struct draft *draft)
{
    struct config_file *file;
    const struct config_section *section;

    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return; /* all defaults */
    }
    file = config_file_read(path, report);
    if (!file) {
        return;
    }
    for (section = file->sections; section; section = section->next) {
        if (!section->is_template) {
            read_section(report, section, draft);
        }
    }
    check_ports(report, file, path, &draft->settings.media);
    config_file_free(file);
}

int config_settings_load(const char *path, struct config_report *report,
                         struct config_settings *settings)
{
    unsigned errors_before = config_report_errors(report);
    struct draft draft;
    size_t i;

    memset(&draft, 0, sizeof(draft));
    media_config_init(&draft.settings.media);
    for (i = 0; i < SECTION_COUNT; i++) {
        if (base_options_init(&sections[i], &draft) != 0) {
            config_error(report, path, 0, "out of memory");
        }
    }
    read_sections(report, path, &draft);
    if (config_report_errors(report) == errors_before && finish(&draft, path) != 0) {
        config_error(report, path, 0, "out of memory");
    }
    if (config_report_errors(report) > errors_before) {
        free_draft(&draft);
        return -1;
    }
    *settings = draft.settings;
    return 0;
}

void config_settings_release(struct config_settings *settings)
{
    free(settings->modules);
    free(settings->log_file);
    free(settings->sounds);
    free(settings->nameservers);
    free(settings->store_file);
    free(settings->control_socket);
    free(settings->access.exempt);
    free(settings->overload.emergency_numbers);
    memset(settings, 0, sizeof(*settings));
}

int config_control_path(const char *dir, char *out, size_t size)
{
    struct config_report *report = config_report_create();
    struct config_file *file = NULL;
    const struct config_section *section;
    const char *name = CONFIG_CONTROL_SOCKET;
    char path[PATH_MAX], result[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/sipsession.conf", dir);

    if (report && length < (int)sizeof(path) && access(path, F_OK) == 0) {
        file = config_file_read(path, report);
    }
    for (section = file ? file->sections : NULL; section; section = section->next) {
        const struct config_line *line = config_section_get(section, "socket");

        if (!section->is_template && strcasecmp(section->name, "control") == 0 && line) {
            name = line->value;
        }
    }
    length = *name == '/' ? snprintf(result, sizeof(result), "%s", name)
                          : snprintf(result, sizeof(result), "%s/%s", dir, name);
    length = *name ? length : -1;
    config_file_free(file);
    config_report_free(report);
    if (length < 0 || (size_t)length >= size || length >= (int)sizeof(result)) {
        return -1;
    }
    memcpy(out, result, (size_t)length + 1);
    return 0;
}
