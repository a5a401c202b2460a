/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: the list of what is wrong with the files. It knows no file format, and never fails: what
 * it has no memory for is counted all the same.
 */
#include "config/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#define TEXT_SIZE     1024 /* of one problem */
#define KEPT_PROBLEMS 5000 /* a file that has more is no configuration */
#define BUCKETS       256

struct kept_problem {
    struct config_problem problem; /* first */
    struct kept_problem *same_bucket;
};

struct config_report {
    struct config_problem *first;
    struct config_problem **last;
    struct kept_problem *buckets[BUCKETS]; /* by file and line, to find what was said already */
    unsigned kept;
    unsigned lost;
    unsigned counts[2]; /* by severity */
};

struct config_report *config_report_create(void)
{
    struct config_report *report = calloc(1, sizeof(*report));

    if (report) {
        report->last = &report->first;
    }
    return report;
}

static void free_problem(struct config_problem *problem)
{
    free(problem->file);
    free(problem->text);
    free(problem);
}

void config_report_free(struct config_report *report)
{
    struct config_problem *problem, *next;

    if (!report) {
        return;
    }
    for (problem = report->first; problem; problem = next) {
        next = problem->next;
        free_problem(problem);
    }
    free(report);
}

static struct kept_problem **bucket_of(struct config_report *report, const char *file,
                                       unsigned line)
{
    unsigned hash = line * 31u;

    while (*file) {
        hash = hash * 33u + (unsigned char)*file++;
    }
    return &report->buckets[hash % BUCKETS];
}

/* A line of a template is seen once for every section that inherits it; what is wrong with it is
 * said once. */
static int was_said(const struct kept_problem *kept, enum config_severity severity,
                    const char *file, unsigned line, const char *text)
{
    for (; kept; kept = kept->same_bucket) {
        if (kept->problem.line == line && kept->problem.severity == severity &&
            strcmp(kept->problem.file, file) == 0 && strcmp(kept->problem.text, text) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A copy that is part of no list yet, or NULL. */
static struct kept_problem *make_problem(enum config_severity severity, const char *file,
                                         unsigned line, const char *text)
{
    struct kept_problem *kept = calloc(1, sizeof(*kept));

    if (!kept) {
        return NULL;
    }
    kept->problem.severity = severity;
    kept->problem.line = line;
    kept->problem.file = strdup(file);
    kept->problem.text = strdup(text);
    if (!kept->problem.file || !kept->problem.text) {
        free_problem(&kept->problem);
        return NULL;
    }
    return kept;
}

void config_report_add(struct config_report *report, enum config_severity severity,
                       const char *file, unsigned line, const char *format, ...)
{
    struct kept_problem **bucket = bucket_of(report, file, line);
    struct kept_problem *kept;
    char text[TEXT_SIZE];
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0) {
        text[0] = '\0';
    }
    va_end(args);
    if (was_said(*bucket, severity, file, line, text)) {
        return;
    }
    report->counts[severity]++;
    kept = report->kept < KEPT_PROBLEMS ? make_problem(severity, file, line, text) : NULL;
    if (!kept) {
        report->lost++;
        return;
    }
    report->kept++;
    kept->same_bucket = *bucket;
    *bucket = kept;
    *report->last = &kept->problem;
    report->last = &kept->problem.next;
}

unsigned config_report_errors(const struct config_report *report)
{
    return report->counts[CONFIG_ERROR];
}

unsigned config_report_warnings(const struct config_report *report)
{
    return report->counts[CONFIG_WARNING];
}

const struct config_problem *config_report_first(const struct config_report *report)
{
    return report->first;
}

/* "file:line: text" with the file's own text escaped. */
static void put_problem(const struct config_problem *problem, const char *severity, char *out,
                        size_t size)
{
    char plain[TEXT_SIZE * 2];

    if (problem->line) {
        snprintf(plain, sizeof(plain), "%s:%u: %s%s", problem->file, problem->line, severity,
                 problem->text);
    } else {
        snprintf(plain, sizeof(plain), "%s: %s%s", problem->file, severity, problem->text);
    }
    base_log_escape(out, size, plain);
}

void config_report_print(const struct config_report *report, FILE *out)
{
    const struct config_problem *problem;
    char line[TEXT_SIZE * 3];

    for (problem = report->first; problem; problem = problem->next) {
        put_problem(problem, problem->severity == CONFIG_ERROR ? "error: " : "warning: ", line,
                    sizeof(line));
        fprintf(out, "%s\n", line);
    }
    if (report->lost) {
        fprintf(out, "and %u more\n", report->lost);
    }
}

void config_report_log(const struct config_report *report)
{
    const struct config_problem *problem;
    char line[TEXT_SIZE * 3];

    for (problem = report->first; problem; problem = problem->next) {
        put_problem(problem, "", line, sizeof(line));
        ast_log(problem->severity == CONFIG_ERROR ? AST_LOG_ERROR : AST_LOG_WARNING, "%s", line);
    }
    if (report->lost) {
        ast_error("configuration: and %u more", report->lost);
    }
}
