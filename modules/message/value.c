/* SPDX-License-Identifier: GPL-2.0-or-later */
/* message: a message as the dialplan sees it (see message.h). No SIP here. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message.h"
#include "utf8.h"

struct message *message_create(void)
{
    return calloc(1, sizeof(struct message));
}

static void free_field(struct message_field *field)
{
    free(field->name);
    free(field->value);
    free(field);
}

void message_destroy(struct message *message)
{
    if (message == NULL) {
        return;
    }
    while (message->fields != NULL) {
        struct message_field *next = message->fields->next;

        free_field(message->fields);
        message->fields = next;
    }
    free(message->from);
    free(message->to);
    free(message->type);
    free(message->body);
    free(message);
}

int message_set_text(char **at, const char *text)
{
    char *copy = text != NULL ? strdup(text) : NULL;

    if (text != NULL && copy == NULL) {
        return -1;
    }
    free(*at);
    *at = copy;
    return 0;
}

struct message_field *message_field(const struct message *message, const char *name)
{
    struct message_field *field = message->fields;

    while (field != NULL && strcasecmp(field->name, name) != 0) {
        field = field->next;
    }
    return field;
}

/* One line: control characters, and whole values that are no UTF-8, lose what they could do. */
static void tidy(char *value)
{
    int is_text = utf8_is_text(value, strlen(value));

    for (; *value != '\0'; ++value) {
        if ((unsigned char)*value < ' ' || *value == 0x7f) {
            *value = ' ';
        } else if (!is_text && (unsigned char)*value >= 0x80) {
            *value = '?';
        }
    }
}

static struct message_field *make_field(const char *name, const char *value, size_t length)
{
    struct message_field *field = calloc(1, sizeof(*field));

    if (field == NULL) {
        return NULL;
    }
    field->name = strdup(name);
    field->value = strndup(value, length);
    if (field->name == NULL || field->value == NULL) {
        free_field(field);
        return NULL;
    }
    tidy(field->value);
    return field;
}

static void append(struct message *message, struct message_field *field)
{
    struct message_field **end = &message->fields;

    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = field;
}

int message_add_field(struct message *message, const char *name, const char *value, size_t length)
{
    struct message_field *field = make_field(name, value, length);

    if (field == NULL) {
        return -1;
    }
    append(message, field);
    return 0;
}

int message_set_field(struct message *message, const char *name, const char *value)
{
    struct message_field **at = &message->fields, *made = NULL;

    if (value[0] != '\0') {
        made = message->set < MESSAGE_MAX_SET ? make_field(name, value, strlen(value)) : NULL;
        if (made == NULL) {
            return -1;
        }
        made->outgoing = 1;
        ++message->set;
    }
    while (*at != NULL) {
        struct message_field *field = *at;

        if (strcasecmp(field->name, name) == 0) {
            *at = field->next;
            free_field(field);
        } else {
            at = &field->next;
        }
    }
    if (made != NULL) {
        append(message, made);
    }
    return 0;
}
