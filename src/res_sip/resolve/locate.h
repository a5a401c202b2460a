/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: locating SIP servers (RFC 3263), the part that is pure: which question comes next, and
 * in which order the answers are tried. No lookup happens here.
 */
#ifndef RES_SIP_LOCATE_H
#define RES_SIP_LOCATE_H

#include <pjsip.h>

/* More records than these of one answer are not looked at. */
#define LOCATE_MAX_NAPTR 16
#define LOCATE_MAX_SRV   16
#define LOCATE_NAME_SIZE 256

/* The transports that a target may be reached by: bits, in the order of preference without NAPTR.
 */
enum locate_protocol { LOCATE_UDP = 1, LOCATE_TCP = 2, LOCATE_TLS = 4 };

struct locate_naptr {
    unsigned order, preference;
    enum locate_protocol protocol;
    char replacement[LOCATE_NAME_SIZE]; /* where its SRV records are */
};

struct locate_srv {
    unsigned priority, weight, port;
    enum locate_protocol protocol;
    char target[LOCATE_NAME_SIZE];
};

/* What to ask for first */
enum locate_question { LOCATE_ADDRESS, LOCATE_SRV, LOCATE_NAPTR };

/* RFC 3263 4.1, 4.2: a transport or a port that the URI names leaves less to ask for. */
enum locate_question locate_first_question(int has_transport, int has_port);

/*
 * The protocol of a NAPTR record, or 0: not one of SIP's, of another flag than "s", with a regular
 * expression, or not among `allowed`.
 */
int locate_naptr_protocol(const char *service, const char *flags, const char *regexp, int allowed);

/* In the order to be tried (RFC 2915 2): by order, then preference. */
void locate_sort_naptr(struct locate_naptr *records, unsigned count);

/*
 * In the order to be tried: by priority, those of one priority by chance in proportion to their
 * weights (RFC 2782). random gives any 32 bits. A sole record with the target "." says that there
 * is no such service: *count becomes 0.
 */
void locate_sort_srv(struct locate_srv *records, unsigned *count, unsigned (*random)(void *data),
                     void *data);

/* "_sip._udp." and the domain, into name. 0; -1: too long. */
int locate_srv_name(enum locate_protocol protocol, const char *domain, char *name, size_t size);

#endif
