/* SPDX-License-Identifier: GPL-2.0-or-later */
/* message: the functions MESSAGE and MESSAGE_DATA of the dialplan. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sipsession/address.h>
#include <sipsession/log.h>

#include "message.h"
#include "utf8.h"

/* ---- MESSAGE ---- */

static void print_from(const struct message *message, char *out, size_t size)
{
    char text[AST_SIP_ADDRESS_SIZE];

    if (message->from != NULL) {
        snprintf(out, size, "%s", message->from);
    } else if (message->id.number[0] != '\0' &&
               ast_sip_address_print(&message->id, message->host, text, sizeof(text)) > 0) {
        snprintf(out, size, "%s", text);
    }
}

static int message_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    const struct message *message = message_of(channel, 0);
    const char *text = NULL;

    if (strcasecmp(args, "body") == 0) {
        text = message != NULL ? message->body : NULL;
    } else if (strcasecmp(args, "to") == 0) {
        text = message != NULL ? message->to : NULL;
    } else if (strcasecmp(args, "from") != 0) {
        return -1;
    } else if (message != NULL) {
        print_from(message, out, size);
        return 0;
    }
    snprintf(out, size, "%s", text != NULL ? text : "");
    return 0;
}

/* What came goes out again, as far as it may; or nothing does. */
static int mark_fields(struct message *message, const char *what)
{
    int outgoing = strcasecmp(what, "mark_all_outbound") == 0;

    if (!outgoing && strcasecmp(what, "clear_all_outbound") != 0) {
        return -1;
    }
    for (struct message_field *at = message->fields; at != NULL; at = at->next) {
        at->outgoing = outgoing && ast_sip_message_header_allowed(at->name);
    }
    return 0;
}

static int is_line(const char *value)
{
    for (; *value != '\0'; ++value) {
        if ((unsigned char)*value < ' ' || *value == 0x7f) {
            return 0;
        }
    }
    return 1;
}

static int message_write(struct ast_channel *channel, const char *args, const char *value)
{
    struct message *message = message_of(channel, 1);
    int result = -1;

    if (message == NULL || !utf8_is_text(value, strlen(value))) {
        return -1;
    }
    if (strcasecmp(args, "body") == 0) {
        result = message_set_text(&message->body, value);
    } else if (strcasecmp(args, "custom_data") == 0) {
        result = mark_fields(message, value);
    } else if (!is_line(value)) {
        result = -1;
    } else if (strcasecmp(args, "from") == 0) {
        result = message_set_text(&message->from, value);
    } else if (strcasecmp(args, "to") == 0) {
        result = message_set_text(&message->to, value);
    }
    return result;
}

/* ---- MESSAGE_DATA ---- */

static int data_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    const struct message *message = message_of(channel, 0);
    const struct message_field *field = message != NULL ? message_field(message, args) : NULL;

    if (message != NULL && strcasecmp(args, "Content-Type") == 0) {
        snprintf(out, size, "%s", message->type != NULL ? message->type : "text/plain");
        return 0;
    }
    snprintf(out, size, "%s", field != NULL ? field->value : "");
    return 0;
}

static int data_write(struct ast_channel *channel, const char *args, const char *value)
{
    struct message *message = message_of(channel, 1);

    if (message == NULL || !is_line(value) || !utf8_is_text(value, strlen(value))) {
        return -1;
    }
    if (strcasecmp(args, "Content-Type") == 0) {
        return message_set_text(&message->type, value[0] != '\0' ? value : NULL);
    }
    return ast_sip_message_header_allowed(args) ? message_set_field(message, args, value) : -1;
}

static struct ast_function functions[] = {
    {.name = "MESSAGE", .read = message_read, .write = message_write},
    {.name = "MESSAGE_DATA", .read = data_read, .write = data_write},
};

int message_functions_start(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(functions); ++i) {
        if (ast_register_function(&functions[i]) != 0) {
            while (i > 0) {
                ast_unregister_function(&functions[--i]);
            }
            return -1;
        }
    }
    return 0;
}

void message_functions_stop(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(functions); ++i) {
        ast_unregister_function(&functions[i]);
    }
    message_channels_stop();
}
