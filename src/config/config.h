/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration files: a lexer for Asterisk's syntax and the readers of pjsip.conf,
 * sipsession.conf and extensions.conf on top of it. Nothing here acts on what it reads, and nothing
 * here logs: what is wrong with a file goes into a report. Single-threaded: call it on one thread
 * at a time.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "base/base.h"
#include "channel/channel.h"
#include "media/media.h"
#include "res_sip/config.h"

/* ---- the report: what is wrong with the files (report.c) ---- */

enum config_severity {
    CONFIG_ERROR,  /* the configuration cannot be used */
    CONFIG_WARNING /* it can, but not everything in it has its effect */
};

struct config_problem {
    struct config_problem *next;
    enum config_severity severity;
    char *file;    /* never NULL */
    unsigned line; /* from 1; 0: the file as a whole */
    char *text;    /* one sentence, without file, line and newline */
};

/* All that was found, in the order in which it was found. Errors do not end the reading: they are
 * collected. */
struct config_report;

struct config_report *config_report_create(void);      /* NULL: no memory */
void config_report_free(struct config_report *report); /* NULL is allowed */
/*
 * Appends a problem; file is copied, `line` 0 means the whole file. Text of the file among the
 * arguments may hold anything: it is escaped when it is shown. Without memory the problem still
 * counts, and is said to be lost.
 */
void config_report_add(struct config_report *report, enum config_severity severity,
                       const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
#define config_error(report, file, line, ...)                                                      \
    config_report_add(report, CONFIG_ERROR, file, line, __VA_ARGS__)
#define config_warning(report, file, line, ...)                                                    \
    config_report_add(report, CONFIG_WARNING, file, line, __VA_ARGS__)

unsigned config_report_errors(const struct config_report *report);
unsigned config_report_warnings(const struct config_report *report);
const struct config_problem *config_report_first(const struct config_report *report);
/* "file:line: error: text" for each, one a line. */
void config_report_print(const struct config_report *report, FILE *out);
/* The same by ast_log, errors as AST_LOG_ERROR. */
void config_report_log(const struct config_report *report);

/* ---- the lexer: sections and lines of Asterisk's syntax (lexer.c) ---- */

/*
 * What the lexer has done already when it returns: comments (`;`, `;-- --;`) are gone and `\;` is
 * `;`; includes are in place; templates are resolved, so that a section's lines are those it
 * inherits, in the order of the templates named, followed by its own; `[x](+)` lines are at the end
 * of the section x; `+=` has appended its text to the last value of that name. Names and values
 * have no blanks around them.
 */

struct config_line {
    struct config_line *next;
    const char *name;  /* left of `=` or `=>`; never NULL, never empty; its case as written */
    const char *value; /* right of it; never NULL, may be empty */
    const char *file;  /* where it was written: for an inherited line, in the template */
    unsigned line;
    int arrow; /* 1: `=>`, 0: `=`. Both mean the same in every file that we read. */
};

struct config_section {
    struct config_section *next;
    const char
        *name; /* within the brackets; never empty. Sections of the same name are not merged. */
    const char *file;
    unsigned line;
    int is_template; /* written with `(!)`: there to be inherited from, ignore it otherwise */
    struct config_line *lines; /* in order */
    struct config_line *last;
    struct config_section *same_hash; /* of the lexer */
};

/* A file with all that it includes. Sections, lines and their strings live as long as it does. */
struct config_file {
    struct config_section *sections; /* in the order of the files */
    struct config_section *last;
    struct config_arena *arena; /* of the lexer */
};

#define CONFIG_LINE_SIZE     8192u  /* octets of a line with its end; a longer one is an error */
#define CONFIG_VALUE_SIZE    65536u /* octets of a value that `+=` has put together */
#define CONFIG_INCLUDE_DEPTH 10u    /* includes within includes */
#define CONFIG_COMMENT_DEPTH 128u   /* `;--` within `;--` */
#define CONFIG_MEMORY        (64u << 20) /* octets that one config_file takes at most */

/*
 * Reads a file and what it includes. Relative includes start from the folder of `path`.
 * Returns NULL when `path` cannot be read or memory is out, both reported. Wrong lines are reported
 * and left out: whoever uses the result looks at config_report_errors first. Release with
 * config_file_free.
 */
struct config_file *config_file_read(const char *path, struct config_report *report);
/* As config_file_read, of `length` octets of text that errors call `name`. `folder` is where
 * includes start; NULL: an include is an error. For tests and the fuzzer. */
struct config_file *config_file_parse(const char *text, size_t length, const char *name,
                                      const char *folder, struct config_report *report);
void config_file_free(struct config_file *file); /* NULL is allowed */

/* The last line of a section with this name (case does not matter), or NULL. */
const struct config_line *config_section_get(const struct config_section *section,
                                             const char *name);

/* ---- sipsession.conf: what only this project has (settings.c) ---- */

/* What is loaded without a [modules] section, separated by blanks. */
#define CONFIG_DEFAULT_MODULES                                                                     \
    "sdp_rtp caller_id dtmf_info refer replaces "                                                  \
    "diversion history_info reason session_timer message connected_line registrar qualify"

struct config_settings {
    char *
        modules; /* names separated by blanks, in the order of the file; may be empty; never NULL */
    struct media_config media;     /* [rtp] and [media] */
    struct sip_guard_limits guard; /* [guard] */
    int log_level;                 /* enum ast_log_level; AST_LOG_NOTICE without [log] */
    char *nameservers;             /* [dns]; NULL: those of the system */
    char *log_file;                /* NULL: standard error */
    char *sounds;                  /* folder of sound files; NULL: none was named */
    int options_need_extension;    /* [dialplan] */
    char *store_file;              /* NULL: nothing outlives the process */
    char *control_socket;          /* NULL: there is none */
    struct sip_authentication_config authentication;
    struct sip_access_config access;
    struct sip_overload_config overload; /* [overload] */
};

/* ---- all of it (load.c) ---- */

/* What the files of one folder say. Whoever takes a part of it sets that to NULL before
 * config_release. */
struct config {
    struct config_settings settings;
    struct config_sums *sums; /* for a later comparison; owned; NULL: no memory */
    struct sip_config *sip;   /* pjsip.conf; owned */
    struct pbx *pbx;          /* extensions.conf; a reference; NULL when there is no such file */
};

/*
 * Reads DIR/pjsip.conf, DIR/extensions.conf and DIR/sipsession.conf, and what lies between them.
 * The first must be there; without the third its defaults hold. Everything that is wrong in any of
 * them goes into the report. 0; -1: the report has errors; then config is untouched. It needs
 * neither PJLIB nor the SIP thread, and reads files: while a server runs, on the blocking pool.
 */
int config_load(const char *dir, struct config_report *report, struct config *config);
/* Frees what is in it and zeroes it. */
void config_release(struct config *config);
/* Reads a folder as config_load does, prints what is wrong and a summary. Returns the number of
 * errors. */
int config_check(const char *dir, FILE *out);

/* ---- what has changed between two readings (sums.c) ---- */

/* A number for each section of the files of a folder, which is another one when its lines are. */
struct config_sums;

struct config_sums *config_sums_read(const char *dir); /* NULL: no memory */
void config_sums_free(struct config_sums *sums);       /* NULL is allowed */
/* Writes a line for each type whose sections came, went or changed. Returns the number of lines. */
unsigned config_sums_compare(const struct config_sums *before, const struct config_sums *now,
                             FILE *out);

/* The name of the socket that is asked for a reload, in the folder of the configuration. */
#define CONFIG_CONTROL_SOCKET "sipsession.sock"

/*
 * Where a server on this folder listens for requests: [control] socket of sipsession.conf, whatever
 * else is wrong with that. 0; -1: nowhere, or the path is too long; then out is untouched.
 */
int config_control_path(const char *dir, char *out, size_t size);

/* One file each. Out parameters are untouched on failure, which is -1 and reported. */
/* pbx: the dialplan that contexts are looked up in; NULL: they are not. */
int config_pjsip_load(const char *path, const struct pbx *pbx, struct config_report *report,
                      struct sip_config **sip);
/* The same of sections that are there already; path is where problems of the whole are said to be.
 */
int config_pjsip_make(const struct config_file *file, const char *path, const struct pbx *pbx,
                      struct config_report *report, struct sip_config **sip);
int config_settings_load(const char *path, struct config_report *report,
                         struct config_settings *settings);
void config_settings_release(struct config_settings *settings);
/* extensions.c, of the dialplan; NULL is never what pbx gets. */
int config_extensions_load(const char *path, struct config_report *report, struct pbx **pbx);
/* The same of a file that is read already; `name` is for what concerns it as a whole. */
int config_extensions_read(const struct config_file *file, const char *name,
                           struct config_report *report, struct pbx **pbx);
/* Warns of what can be seen to go wrong in a finished dialplan (extensions_check.c). */
void config_extensions_check(const struct pbx *pbx, struct config_report *report);
/* Warns of extensions where no call begins, for want of a priority 1, which registrations make in
 * regcontext (or NULL). */
void config_extensions_check_begin(const struct pbx *pbx, const char *regcontext,
                                   struct config_report *report);

/*
 * Write the reference pages' tables, in Markdown, out of the option tables: of sipsession.conf into
 * docs/configuration.md, of pjsip.conf into docs/pjsip-conf.md. Those hold them between two marks,
 * and a test compares.
 */
void config_write_reference(FILE *out);
void config_write_pjsip_reference(FILE *out);
/* The tables of all types of pjsip.conf, those that are not supported last; NULL behind the last. */
const struct base_option_table *config_pjsip_table(size_t index);

/* A bucket for a name; case does not count. */
#define CONFIG_BUCKETS 8192u
unsigned config_hash(const char *name);

/* ---- within the reader of pjsip.conf: one file for each type of object ---- */

struct config_type;

/* A section that is no template, with the type that it is of. */
struct config_object {
    const struct config_section *section;
    const struct config_type *type;
    struct config_object *next; /* in the order of the file */
    struct config_object *same_hash;
};

struct config_reader {
    struct config_report *report;
    const char *path;               /* of the file, in whose folder acl.conf may be */
    struct config_file *named_acls; /* acl.conf; NULL: nobody has asked for it, or there is none */
    const struct pbx *pbx;          /* may be NULL */
    struct sip_config *sip;         /* what is made; the ends of its lists: */
    struct sip_transport_config **transports_end;
    struct sip_endpoint_entry **endpoints_end;
    struct sip_endpoint_entry *checked; /* the last that was: NULL none */
    struct sip_identify_config **identifies_end;
    struct sip_registration_config **registrations_end;
    struct config_object *objects; /* all whose type is known */
    struct config_object **objects_end;
    struct config_object *buckets[CONFIG_BUCKETS]; /* the same by name */
};

struct config_type {
    const struct base_option_table *table;
    /* A section of this name is of this type although it does not say so; NULL: none is. */
    const char *implied_by;
    /* Makes an object of a section. NULL: the type is known but not supported, and its objects are
     * only looked at. */
    void (*add)(struct config_reader *reader, const struct config_section *section);
    /* Looks at what a section refers to, when all objects are there; may be NULL. */
    void (*check)(struct config_reader *reader, const struct config_section *section);
    int single; /* there may be one object of it only */
};

extern const struct config_type config_type_endpoint, config_type_transport, config_type_identify,
    config_type_global, config_type_system, config_type_auth, config_type_acl, config_type_aor,
    config_type_registration, config_type_domain_alias;
extern const struct config_type config_other_types[]; /* type_other.c; ends with a NULL table */
/* Gives an endpoint the credentials of the sections that the line outbound_auth names
 * (type_auth.c). */
void config_take_credentials(struct config_reader *reader, const struct config_line *line,
                             struct ast_sip_endpoint *endpoint);
/* Looks at whether the AORs that an endpoint's section names are there (type_aor.c). */
void config_check_aors(struct config_reader *reader, const struct config_section *section);
/* Likewise lets its requests authenticate themselves by those that the line auth names. */
void config_take_auths(struct config_reader *reader, const struct config_line *line,
                       struct ast_sip_endpoint *endpoint);
/* Appends the lists of acl.conf that an option of a section names, if it has that option
 * (type_acl.c); and warns of lists that keep nobody out. */
void config_take_acls(struct config_reader *reader, const struct config_section *section,
                      const char *option, struct ast_sip_acl **list);
/* Sets an object's options from a section's lines; what is wrong goes into the report. `type` is
 * passed over. */
void config_set_options(struct config_report *report, const struct base_option_table *table,
                        const struct config_section *section, void *object);
/* The object of a name (its case counts) and type, or NULL. */
const struct config_object *config_find_object(const struct config_reader *reader, const char *name,
                                               const struct config_type *type);
/* [authentication] and [access] of sipsession.conf, of struct config_settings (settings_access.c)
 */
extern const struct base_option config_authentication_options[], config_access_options[];
/* The same of [overload] (settings_overload.c) */
extern const struct base_option config_overload_options[];
/* The tables of sipsession.conf's sections, whose type is the section's name; NULL behind the last.
 */
const struct base_option_table *config_settings_table(size_t index);

/* Options that are known but not supported, with Asterisk's default and what is here instead. HERE:
 * values that ask for what happens here anyway. */
#define CONFIG_LATER(option_name, default_value, reason)                                           \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_UNSUPPORTED, .fallback = default_value,           \
        .help = reason                                                                             \
    }
#define CONFIG_LATER_HERE(option_name, default_value, values, reason)                              \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_UNSUPPORTED, .fallback = default_value,           \
        .names = values, .help = reason                                                            \
    }
#define CONFIG_REFUSED(option_name, default_value, reason)                                         \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_UNSUPPORTED, .fallback = default_value,           \
        .refuse = 1, .help = reason                                                                \
    }
#define CONFIG_TYPE_OPTION                                                                         \
    {                                                                                              \
        .name = "type", .kind = BASE_OPTION_UNSUPPORTED, .help = "What the section describes."     \
    }

/* "1.2.3.4", "1.2.3.4:5060", "::1", "[::1]:5060". 0; -1: it is none, the output untouched. */
int config_parse_address(const char *text, unsigned default_port, pj_sockaddr *address);
/* "10.0.0.0/8", "10.0.0.0/255.0.0.0", "::1": 0; -1: it is none. Bits beyond the prefix are cleared.
 */
int config_parse_network(const char *text, struct sip_network *network);
/* "10.0.0.0/8,::1", appended to an array that grows. 0; -1 with why, and the array as it was. */
int config_parse_networks(const char *text, struct sip_network **networks, unsigned *count,
                          char *why, size_t why_size);
void config_format_networks(const struct sip_network *networks, unsigned count, char *out,
                            size_t size);
/* "SHA-256,MD5": enum ast_sip_digest_algorithm, each once. 0; -1 with why, and nothing written. */
int config_parse_algorithms(const char *text, int algorithms[AST_SIP_DIGEST_ALGORITHMS],
                            unsigned *count, char *why, size_t why_size);
void config_format_algorithms(const int *algorithms, unsigned count, char *out, size_t size);
/* A realm stands between quotes in challenges: neither quotes nor control characters in it. */
int config_parse_realm(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size);
/* permit, deny and their kin: the option's member is a struct ast_sip_acl *. */
int config_parse_rules(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size);
void config_format_rules(const void *object, const struct base_option *option, char *out,
                         size_t size);
/* acl, contact_acl: for config_take_acls, when everything is read. */
int config_parse_names(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size);
void config_release_rules(void *object, const struct base_option *option);
/* Parsers, and texts for show: codecs.c, party.c; option->offset says where it is in the object. */
int config_parse_allow(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size);
int config_parse_disallow(void *object, const struct base_option *option, const char *value,
                          char *why, size_t why_size);
int config_parse_callerid(void *object, const struct base_option *option, const char *value,
                          char *why, size_t why_size);
int config_parse_privacy(void *object, const struct base_option *option, const char *value,
                         char *why, size_t why_size);
void config_format_callerid(const void *object, const struct base_option *option, char *out,
                            size_t size);
void config_format_privacy(const void *object, const struct base_option *option, char *out,
                           size_t size);
void config_format_codecs(const void *object, const struct base_option *option, char *out,
                          size_t size);

/* quality.c; the option's member is an int, or an unsigned of cos. */
int config_parse_tos(void *object, const struct base_option *option, const char *value, char *why,
                     size_t why_size);
void config_format_tos(const void *object, const struct base_option *option, char *out,
                       size_t size);
int config_parse_cos(void *object, const struct base_option *option, const char *value, char *why,
                     size_t why_size);
void config_format_cos(const void *object, const struct base_option *option, char *out,
                       size_t size);

/* Of an endpoint: endpoint_values.c. */
int config_parse_dtmf(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size);
void config_format_dtmf(const void *object, const struct base_option *option, char *out,
                        size_t size);
int config_parse_variable(void *object, const struct base_option *option, const char *value,
                          char *why, size_t why_size);
int config_parse_follow(void *object, const struct base_option *option, const char *value,
                        char *why, size_t why_size);
void config_format_follow(const void *object, const struct base_option *option, char *out,
                          size_t size);
int config_parse_identify_by(void *object, const struct base_option *option, const char *value,
                             char *why, size_t why_size);
int config_parse_user(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size);
int config_parse_host(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size);
int config_parse_ip(void *object, const struct base_option *option, const char *value, char *why,
                    size_t why_size);
int config_parse_word(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size);
int config_parse_text(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size);
int config_parse_sip_uri(void *object, const struct base_option *option, const char *value,
                         char *why, size_t why_size);
void config_format_variables(const void *object, const struct base_option *option, char *out,
                             size_t size);
void config_format_identify_by(const void *object, const struct base_option *option, char *out,
                               size_t size);
void config_format_text(const void *object, const struct base_option *option, char *out,
                        size_t size);
void config_release_text(void *object, const struct base_option *option);

/* ---- within the lexer (section.c, include.c, source.c, arena.c) ---- */

struct config_lexer {
    struct config_file *file;
    struct config_report *report;
    const char *folder; /* of relative includes; NULL: there are none */
    struct config_section
        *current; /* of the lines that follow; NULL: none, or its header was wrong */
    int skipping; /* the last header was wrong: lines are left out without a word */
    int out_of_memory;
    const char *open_files[CONFIG_INCLUDE_DEPTH + 1]; /* those that include the present one */
    unsigned depth;
    struct config_section *buckets[CONFIG_BUCKETS]; /* sections by name, the oldest first */
};

/* Where the lexer is, for what it says. */
struct config_place {
    const char *file;
    unsigned line;
};

/* Ends the reading; reported once. Returns NULL. */
void *config_lexer_no_memory(struct config_lexer *lexer, const struct config_place *place);
/* NULL: no memory, reported. */
const char *config_lexer_copy(struct config_lexer *lexer, const struct config_place *place,
                              const char *text);
void config_append_line(struct config_section *section, struct config_line *line);
/* A line that begins with '['; it is changed. */
void config_lex_header(struct config_lexer *lexer, const struct config_place *place, char *text);
/* What stands behind #include; it is changed. must: a file has to match. */
void config_lex_include(struct config_lexer *lexer, const struct config_place *place,
                        char *argument, int must);
/* A whole file; its name lives as long as the config_file. */
void config_lex_file(struct config_lexer *lexer, const char *name, const char *text, size_t length);

/* One file's lines, without comments and blanks around them */
struct config_source {
    const char *name;
    struct config_report *report;
    const char *rest, *end;
    unsigned line;     /* of the line that config_source_line returned last */
    unsigned comments; /* how many block comments are open */
    unsigned comment_lines[CONFIG_COMMENT_DEPTH]; /* and where they began */
    char buffer[CONFIG_LINE_SIZE];
};

/* The whole of a regular file, with a NUL behind it; malloc'ed. NULL: reported as a problem of
 * `from`:`line`. */
char *config_source_read(const char *path, size_t *length, struct config_report *report,
                         const char *from, unsigned line);
void config_source_init(struct config_source *source, const char *text, size_t length,
                        const char *name, struct config_report *report);
/* The next line that holds anything, to be changed at will, valid until the next call; NULL at the
 * end. */
char *config_source_line(struct config_source *source);
/* Text without the blanks around it, in place. */
char *config_trim(char *text);

struct config_arena *config_arena_create(void); /* NULL: no memory */
void config_arena_free(struct config_arena *arena);
/* Zeroed, aligned for anything; NULL: no memory, or more than CONFIG_MEMORY. */
void *config_arena_take(struct config_arena *arena, size_t size);
char *config_arena_copy(struct config_arena *arena, const char *text,
                        size_t length); /* adds the NUL */

#endif
