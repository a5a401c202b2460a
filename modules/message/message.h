/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: what its files share. Texts in calls are inside.c's; outside of calls a message goes
 * through outside.c (the request), queue.c (the order) and the dialplan (channel.c), which reads it
 * by functions.c and sends others by send.c.
 */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include <time.h>

#include <sipsession/channel.h>
#include <sipsession/message.h>
#include <sipsession/res_sip.h>

/* A text of the dialplan has no more octets, so that ${MESSAGE(body)} is whole. */
#define MESSAGE_MAX_BODY  4095
#define MESSAGE_HOST_SIZE 256
/* Header fields that a dialplan can set: one that does in a loop stops somewhere. */
#define MESSAGE_MAX_SET 100

/* ---- value.c: a message as the dialplan sees it. No SIP here. ---- */

/* A header field. */
struct message_field {
    struct message_field *next;
    char *name, *value;
    int outgoing; /* MessageSend sends it */
};

struct message {
    char *from;                   /* what the dialplan set; NULL: id and host say it */
    struct ast_party_id id;       /* who sent it; empty: nobody did */
    char host[MESSAGE_HOST_SIZE]; /* of its sender's address */
    char *to, *type;              /* NULL: "" and text/plain */
    char *body;                   /* NULL: "" */
    struct message_field *fields;
    unsigned set; /* how many the dialplan set */
};

/* NULL: no memory. */
struct message *message_create(void);
void message_destroy(struct message *message); /* NULL is allowed */
/* Replaces a text of a message; NULL: none. 0; -1: no memory, nothing changed. */
int message_set_text(char **at, const char *text);
/* The first field of a name, case does not matter; NULL: none. */
struct message_field *message_field(const struct message *message, const char *name);
/* Adds a field behind the others, its value as one line of text. 0; -1: no memory. */
int message_add_field(struct message *message, const char *name, const char *value, size_t length);
/* Replaces all fields of a name by one that goes out; an empty value: by none. 0; -1: too many, no
 * memory; nothing changed. */
int message_set_field(struct message *message, const char *name, const char *value);

/* ---- content.c: whether a body is text that we take ---- */

/* The status to refuse a request's body with; 200: it is fine, or there is none. only_plain: no
 * other text than text/plain. */
int message_check_content(const pjsip_msg *msg, int only_plain, unsigned most);

/* ---- expires.c: how long a message is worth reading (RFC 3428 4) ---- */

/*
 * When it is worth nothing any more, in seconds since 1970; 0: never. expires and date are the
 * header fields' values, or NULL; arrived is when it came.
 */
time_t message_end(const char *expires, const char *date, time_t arrived);

/* ---- address.c: addresses as people write them ---- */

/* `"Name" <sip:user@host>`, `sip:user@host` or `user`. host gets "" when there is none. 0; -1: it
 * is none, nothing was written. */
int message_parse_from(const char *text, struct ast_party_id *id, char *host, size_t size);
/* Splits a text at commas outside of quotes and angle brackets, in place; blanks around the parts
 * are taken away. Unused places get "". -1: there are more than `most`. */
int message_split(char *text, char **parts, unsigned most);

/* ---- queue.c: one after the other, those of one sender ---- */

/* What happens to a message that is accepted. */
struct message_arrival {
    struct message *message;           /* owned */
    struct ast_sip_endpoint *endpoint; /* a reference */
    struct ast_party_id caller;        /* who the channel's caller is */
    time_t end;                        /* message_end */
    char context[80], exten[80];
};

/* How many were accepted and are not through. */
unsigned message_queue_total(void);
/* 1: there is room for one more of this sender. */
int message_queue_has_room(const char *sender);
/* Takes the arrival, also on failure. 0; -1: no memory, logged. */
int message_queue_add(const char *sender, struct message_arrival *arrival);
/* The messages that wait are dropped; those that run go on and tell nobody. */
void message_queue_stop(void);
void message_arrival_free(struct message_arrival *arrival);

struct message_sender;
/* Of queue.c: the message of this sender that ran is through. */
void message_queue_done(struct message_sender *sender);

/* ---- channel.c: the channel that a message has in the dialplan ---- */

/*
 * A channel for a message, a reference of the caller's. message_queue_done(sender) is called when it
 * is freed. Takes the arrival's message. NULL: no memory, logged; nothing is called, nothing was
 * taken.
 */
struct ast_channel *message_channel_create(struct message_arrival *arrival,
                                           struct message_sender *sender);
/* Runs the dialplan on it. Takes the reference. */
void message_channel_run(struct ast_channel *channel);
/* The message of a channel; make: it gets an empty one. NULL: none, or no memory. Borrowed. */
struct message *message_of(struct ast_channel *channel, int make);
void message_channels_stop(void);

/* ---- the parts, each begun and ended by main.c; 0, -1 logged ---- */

int message_inside_start(void);
void message_inside_stop(void);
int message_outside_start(void);
void message_outside_stop(void);
int message_functions_start(void);
void message_functions_stop(void);
int message_send_start(void);
void message_send_stop(void);

#endif
