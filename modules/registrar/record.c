/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: bindings as lines `name: value`, each binding begun by `contact: URI`. What a peer
 * sent never brings a line of its own: values with line ends are not written.
 */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_text(FILE *out, const char *name, const char *value)
{
    if (value && !strpbrk(value, "\r\n")) {
        fprintf(out, "%s: %s\n", name, value);
    }
}

char *record_write(const struct ast_sip_contact *contact)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    int broken;

    if (!out) {
        return NULL;
    }
    for (; contact; contact = contact->next) {
        write_text(out, "contact", contact->uri);
        fprintf(out, "expires: %lld\ncseq: %u\n", contact->expires, contact->cseq);
        if (contact->q >= 0) {
            fprintf(out, "q: %d\n", contact->q);
        }
        write_text(out, "call-id", contact->call_id);
        write_text(out, "branch", contact->branch);
        write_text(out, "path", contact->path);
        write_text(out, "user-agent", contact->user_agent);
        if (contact->instance) {
            write_text(out, "instance", contact->instance);
            fprintf(out, "reg-id: %u\n", contact->reg_id);
        }
        write_text(out, "flow", contact->flow);
        write_text(out, "transport", contact->transport);
    }
    broken = ferror(out);
    if (fclose(out) != 0 || broken) {
        free(text);
        return NULL;
    }
    return text;
}

static int read_number(const char *value, long long most, long long *out)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end || number < 0 || number > most) {
        return -1;
    }
    *out = number;
    return 0;
}

static int read_text(char **out, const char *value)
{
    free(*out);
    *out = strdup(value);
    return *out ? 0 : -1;
}

/* A line of a binding. What a later version writes and we do not know is passed over. */
static int read_line(struct ast_sip_contact *contact, const char *name, const char *value)
{
    long long number;

    if (strcmp(name, "expires") == 0) {
        return read_number(value, 1LL << 60, &contact->expires);
    }
    if (strcmp(name, "cseq") == 0 || strcmp(name, "q") == 0 || strcmp(name, "reg-id") == 0) {
        if (read_number(value, *name == 'q' ? 1000 : 0xffffffffLL, &number) != 0) {
            return -1;
        }
        if (*name == 'q') {
            contact->q = (int)number;
        } else if (*name == 'r') {
            contact->reg_id = (unsigned)number;
        } else {
            contact->cseq = (unsigned)number;
        }
        return 0;
    }
    if (strcmp(name, "instance") == 0) {
        return read_text(&contact->instance, value);
    }
    if (strcmp(name, "flow") == 0) {
        return read_text(&contact->flow, value);
    }
    if (strcmp(name, "call-id") == 0) {
        return read_text(&contact->call_id, value);
    }
    if (strcmp(name, "branch") == 0) {
        return read_text(&contact->branch, value);
    }
    if (strcmp(name, "path") == 0) {
        return read_text(&contact->path, value);
    }
    if (strcmp(name, "transport") == 0) {
        return read_text(&contact->transport, value);
    }
    return strcmp(name, "user-agent") == 0 ? read_text(&contact->user_agent, value) : 0;
}

int record_read(const char *text, struct ast_sip_contact **contacts)
{
    struct ast_sip_contact *list = NULL, **end = &list, *last = NULL;
    char *copy = strdup(text), *rest = copy, *line, *value;
    int result = copy ? 0 : -1;

    while (result == 0 && (line = strsep(&rest, "\n"))) {
        if (!*line) {
            continue;
        }
        value = strstr(line, ": ");
        if (!value) {
            result = -1;
            break;
        }
        *value = '\0';
        value += 2;
        if (strcmp(line, "contact") == 0) {
            last = *end = ast_sip_contact_create(value);
            end = last ? &last->next : end;
            result = last ? 0 : -1;
        } else {
            result = last ? read_line(last, line, value) : -1;
        }
    }
    free(copy);
    for (last = list; last && result == 0; last = last->next) {
        result = last->expires > 0 ? 0 : -1;
    }
    if (result != 0) {
        ast_sip_contacts_free(list);
        return -1;
    }
    *contacts = list;
    return 0;
}
