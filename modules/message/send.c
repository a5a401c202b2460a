/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: MessageSend(destination[,from[,to]]): sends the channel's message and waits for what
 * becomes of it. Where it goes and how is the library's (sipsession/message.h).
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "message.h"

/* A message that an application waits for. */
struct order {
    struct ast_channel *channel;             /* that runs it; borrowed */
    struct ast_sip_message_sending *sending; /* borrowed; NULL: it is over */
};

static void set_status(struct ast_channel *channel, const char *status)
{
    ast_channel_set_variable(channel, "MESSAGE_SEND_STATUS", status);
}

static void on_end(void *token, int status)
{
    struct order *order = token;
    struct ast_channel *channel = order->channel;

    order->sending = NULL;
    ast_verbose("%s: MessageSend: %d", ast_channel_get_name(channel), status);
    set_status(channel, status / 100 == 2 ? "SUCCESS" : "FAILURE");
    ast_application_done(channel, AST_APPLICATION_DONE);
}

/* The dialplan goes elsewhere: the message does not come back. */
static void stop(struct ast_channel *channel)
{
    struct order *order = ast_application_get_data(channel);

    if (order->sending != NULL) {
        ast_sip_message_forget(order->sending);
    }
    free(order);
}

/* The fields that go out, as a list in one allocation; *count: how many. NULL: none, or no memory.
 */
static struct ast_sip_variable *outgoing_fields(const struct message *message, unsigned *count)
{
    struct ast_sip_variable *list;

    *count = 0;
    for (const struct message_field *at = message->fields; at != NULL; at = at->next) {
        *count += at->outgoing != 0;
    }
    list = *count > 0 ? calloc(*count, sizeof(*list)) : NULL;
    if (list != NULL) {
        unsigned i = 0;

        for (const struct message_field *at = message->fields; at != NULL; at = at->next) {
            if (at->outgoing) {
                list[i] = (struct ast_sip_variable){.next = i + 1 < *count ? &list[i + 1] : NULL,
                                                    .name = at->name,
                                                    .value = at->value};
                ++i;
            }
        }
    }
    return list;
}

/*
 * Who it is from: the argument as it stands, else what the dialplan set; else who sent it, at our
 * own host: what a peer says of its domain is not ours to say. 0; -1: it is no address.
 */
static int choose_from(const struct message *message, const char *argument, struct ast_party_id *id,
                       char *host, size_t size)
{
    const char *text = argument[0] != '\0' ? argument : message->from;

    if (text != NULL && text[0] != '\0') {
        return message_parse_from(text, id, host, size);
    }
    *id = message->id;
    host[0] = '\0';
    return 0;
}

static const char *send_message(const struct message *message, char **args, struct order *order)
{
    static const char *const statuses[] = {[AST_SIP_MESSAGE_FAILED] = "FAILURE",
                                           [AST_SIP_MESSAGE_INVALID_PROTOCOL] = "INVALID_PROTOCOL",
                                           [AST_SIP_MESSAGE_INVALID_DESTINATION] = "INVALID_URI"};
    struct ast_sip_variable *fields;
    enum ast_sip_message_result result;
    char host[MESSAGE_HOST_SIZE];
    struct ast_sip_message out;
    struct ast_party_id id;
    unsigned count;

    if (choose_from(message, args[1], &id, host, sizeof(host)) != 0) {
        ast_warning_limited("%s: MessageSend: '%s' is no address to be from",
                            ast_channel_get_name(order->channel),
                            args[1][0] ? args[1] : message->from);
        return "FAILURE";
    }
    ast_sip_message_init(&out);
    out.from = id.number[0] != '\0' ? &id : NULL;
    out.from_host = host[0] != '\0' ? host : NULL;
    out.to = args[2][0] != '\0' ? args[2] : NULL;
    out.content_type = message->type != NULL ? message->type : out.content_type;
    out.body = message->body != NULL ? message->body : "";
    out.length = strlen(out.body);
    out.headers = fields = outgoing_fields(message, &count);
    result = count > 0 && fields == NULL
                 ? AST_SIP_MESSAGE_FAILED
                 : ast_sip_message_send(args[0], &out, order, on_end, &order->sending);
    free(fields);
    return result == AST_SIP_MESSAGE_SENT ? NULL : statuses[result];
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    static const struct message empty;
    const struct message *message = message_of(channel, 0);
    struct order *order = calloc(1, sizeof(*order));
    char *text = strdup(args), *parts[3];
    const char *failure = "FAILURE";

    if (order == NULL || text == NULL) {
        ast_error_limited("%s: no memory for MessageSend", ast_channel_get_name(channel));
    } else if (message_split(text, parts, 3) != 0 || parts[0][0] == '\0') {
        ast_warning_limited("%s: expected MessageSend(destination[,from[,to]])",
                            ast_channel_get_name(channel));
        failure = "INVALID_URI";
    } else {
        order->channel = channel;
        failure = send_message(message != NULL ? message : &empty, parts, order);
    }
    free(text);
    if (failure == NULL) {
        ast_application_set_data(channel, order);
        return AST_APPLICATION_RUNNING;
    }
    free(order);
    set_status(channel, failure);
    return AST_APPLICATION_DONE;
}

static const struct ast_application application = {
    .name = "MessageSend",
    .synopsis = "Send the channel's message outside of a call",
    .start = start,
    .stop = stop,
};

int message_send_start(void)
{
    return ast_register_application(&application);
}

void message_send_stop(void)
{
    ast_unregister_application(&application);
}
