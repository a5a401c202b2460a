/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the UDP transport. Ours instead of PJSIP's, since it costs less: what has arrived is
 * read with one call (recvmmsg) and no failing second one, no epoll set is changed for it, and the
 * parser's memory is used again and again. It gives datagrams that the guard lets pass to PJSIP's
 * transport manager and sends what that prints; it reads no message.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/overload/overload.h"
#include "res_sip/transport/transport.h"
#include "res_sip/transport/wire.h"

#define BATCH       16    /* datagrams of one turn of the loop */
#define PARSER_POOL 16000 /* octets: enough for nearly every message */
#define SOURCE_SIZE CMSG_SPACE(sizeof(struct in6_pktinfo))
#define CONTROL_SIZE                                                                               \
    (SOURCE_SIZE + CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t)))

struct slot {
    pjsip_rx_data rdata;
    pj_sockaddr destination; /* where it was sent to; its family is 0 when nobody asked */
    _Alignas(struct cmsghdr) char control[CONTROL_SIZE];
};

struct udp {
    pjsip_transport base; /* first: PJSIP knows it by this */
    struct sip_watch watch;
    struct sip_paths *paths; /* when bound to all addresses, else NULL */
    pj_pool_t *parsing;      /* of one message at a time */
    unsigned drops;          /* datagrams that the system had no room for, so far */
    struct slot *slots;      /* BATCH of them */
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
};

static const char *name_of(const pj_sockaddr *address, char *buffer, int size)
{
    return pj_sockaddr_print(address, buffer, size, 3);
}

/* ---- receiving ---- */

/* What the kernel changed of a message header while it filled it. */
static void rearm(struct udp *udp, int i)
{
    struct msghdr *header = &udp->messages[i].msg_hdr;

    header->msg_namelen = sizeof(udp->slots[i].rdata.pkt_info.src_addr);
    if (udp->paths || i == 0) { /* the first one tells how long they have waited */
        header->msg_control = udp->slots[i].control;
        header->msg_controllen = sizeof(udp->slots[i].control);
    }
}

static void prepare(struct udp *udp)
{
    int i;

    for (i = 0; i < BATCH; i++) {
        struct slot *slot = &udp->slots[i];
        struct msghdr *header = &udp->messages[i].msg_hdr;

        udp->vectors[i].iov_base = slot->rdata.pkt_info.packet;
        udp->vectors[i].iov_len = sizeof(slot->rdata.pkt_info.packet) - 1; /* a NUL goes behind */
        header->msg_iov = &udp->vectors[i];
        header->msg_iovlen = 1;
        header->msg_name = &slot->rdata.pkt_info.src_addr;
        rearm(udp, i);
    }
}

/* The address that a datagram was sent to, of the control message; the port is the socket's. */
static void note_destination(struct udp *udp, struct slot *slot, struct msghdr *header)
{
    struct cmsghdr *control;

    memset(&slot->destination, 0, sizeof(slot->destination));
    for (control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(control), sizeof(info));
            slot->destination = udp->base.local_addr;
            /* not ipi_addr, which may be a broadcast address */
            memcpy(&slot->destination.ipv4.sin_addr, &info.ipi_spec_dst, sizeof(info.ipi_spec_dst));
        } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(control), sizeof(info));
            slot->destination = udp->base.local_addr;
            memcpy(&slot->destination.ipv6.sin6_addr, &info.ipi6_addr, sizeof(info.ipi6_addr));
        }
    }
    if (slot->destination.addr.sa_family) {
        sip_paths_note(udp->paths, &slot->rdata.pkt_info.src_addr, &slot->destination);
    }
}

/* What keeps a NAT binding open: blanks, line ends or zeros, a few octets. */
static int is_keep_alive(const char *packet, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (packet[i] != '\r' && packet[i] != '\n' && packet[i] != ' ' && packet[i] != '\0') {
            return 0;
        }
    }
    return 1;
}

static char *print_octet(char *out, unsigned octet)
{
    if (octet >= 100) {
        *out++ = (char)('0' + octet / 100);
    }
    if (octet >= 10) {
        *out++ = (char)('0' + octet / 10 % 10);
    }
    *out++ = (char)('0' + octet % 10);
    return out;
}

/* As inet_ntop, which takes a tenth of the time of a whole message for it. */
static void print_source(pjsip_rx_data *rdata)
{
    const pj_sockaddr *source = &rdata->pkt_info.src_addr;
    const unsigned char *octets = (const unsigned char *)&source->ipv4.sin_addr;
    char *out = rdata->pkt_info.src_name;
    int i;

    rdata->pkt_info.src_port = pj_sockaddr_get_port(source);
    if (source->addr.sa_family != PJ_AF_INET) {
        pj_sockaddr_print(source, out, sizeof(rdata->pkt_info.src_name), 0);
        return;
    }
    for (i = 0; i < 4; i++) {
        out = print_octet(out, octets[i]);
        *out++ = i < 3 ? '.' : '\0';
    }
}

static pj_status_t put(struct udp *udp, const void *data, size_t length,
                       const pj_sockaddr_t *address, int address_length);

/* 1: it is no SIP, and what there is to do about it is done. SIP begins with a letter. */
static int is_other(struct udp *udp, const struct slot *slot, size_t length, int whole)
{
    const char *packet = slot->rdata.pkt_info.packet;
    const pj_sockaddr *source = &slot->rdata.pkt_info.src_addr;
    char answer[SIP_STUN_ANSWER];
    size_t size;

    if (length > 0 && (packet[0] & 0x40)) {
        return 0;
    }
    size = whole ? sip_stun_answer(packet, length, source, answer) : 0;
    if (size > 0) {
        sip_counters.stun_answered++;
        put(udp, answer, size, source, slot->rdata.pkt_info.src_addr_len);
        return 1;
    }
    return is_keep_alive(packet, length < 32 ? length : 32);
}

static void receive(struct udp *udp, struct slot *slot, const pj_time_val *now, size_t length,
                    int whole)
{
    pjsip_rx_data *rdata = &slot->rdata;

    if (is_other(udp, slot, length, whole)) {
        return;
    }
    if (!sip_wire_datagram(&udp->base, rdata->pkt_info.packet, length, whole,
                           &rdata->pkt_info.src_addr)) {
        return;
    }
    rdata->pkt_info.timestamp = *now;
    rdata->pkt_info.zero = 0;
    rdata->pkt_info.len = (pj_ssize_t)length;
    print_source(rdata);
    pjsip_tpmgr_receive_packet(udp->base.tpmgr, rdata);
    sip_wire_done();
    rdata->pkt_info.len = 0;
    pj_pool_reset(udp->parsing);
}

/* The oldest of what was read tells how far behind we are. */
static void note_wait(struct udp *udp, int count, const pj_time_val *now)
{
    struct msghdr *header = &udp->messages[0].msg_hdr;
    struct cmsghdr *control;
    unsigned drops = udp->drops;
    long long wait = 0;

    for (control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec came;

            memcpy(&came, CMSG_DATA(control), sizeof(came));
            wait = (now->sec - came.tv_sec) * 1000000LL + now->msec * 1000LL - came.tv_nsec / 1000;
        } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&drops, CMSG_DATA(control), sizeof(drops));
        }
    }
    sip_overload_waited((unsigned)count, wait > 0 ? (pj_uint64_t)wait : 0, drops, &udp->drops);
}

static void on_readable(struct sip_watch *watch)
{
    struct udp *udp = (struct udp *)((char *)watch - offsetof(struct udp, watch));
    pj_time_val now;
    int count, i;

    count = recvmmsg(watch->fd, udp->messages, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            ast_debug("res_sip: %s: %m", udp->base.info);
        }
        return;
    }
    sip_memory_busy();
    pj_gettimeofday(&now);
    note_wait(udp, count, &now);
    for (i = 0; i < count; i++) {
        struct slot *slot = &udp->slots[i];
        struct msghdr *header = &udp->messages[i].msg_hdr;

        slot->rdata.pkt_info.src_addr_len = (int)header->msg_namelen;
        if (udp->paths) {
            note_destination(udp, slot, header);
        }
        receive(udp, slot, &now, udp->messages[i].msg_len, !(header->msg_flags & MSG_TRUNC));
        rearm(udp, i);
    }
}

/* ---- sending ---- */

/* The control message that makes a datagram leave from this address of ours. */
static void set_source(struct msghdr *header, char *control, const pj_sockaddr *local)
{
    struct cmsghdr *message;

    memset(control, 0, SOURCE_SIZE);
    header->msg_control = control;
    header->msg_controllen = SOURCE_SIZE;
    message = CMSG_FIRSTHDR(header);
    if (local->addr.sa_family == PJ_AF_INET6) {
        struct in6_pktinfo info = {.ipi6_ifindex = 0};

        memcpy(&info.ipi6_addr, &local->ipv6.sin6_addr, sizeof(info.ipi6_addr));
        message->cmsg_level = IPPROTO_IPV6;
        message->cmsg_type = IPV6_PKTINFO;
        message->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(message), &info, sizeof(info));
    } else {
        struct in_pktinfo info = {.ipi_ifindex = 0};

        memcpy(&info.ipi_spec_dst, &local->ipv4.sin_addr, sizeof(info.ipi_spec_dst));
        message->cmsg_level = IPPROTO_IP;
        message->cmsg_type = IP_PKTINFO;
        message->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(message), &info, sizeof(info));
    }
    header->msg_controllen = CMSG_SPACE(message->cmsg_len - CMSG_LEN(0));
}

static pj_status_t put(struct udp *udp, const void *data, size_t length,
                       const pj_sockaddr_t *address, int address_length)
{
    struct iovec vector = {(void *)data, length};
    struct msghdr header = {.msg_name = (void *)address,
                            .msg_namelen = (socklen_t)address_length,
                            .msg_iov = &vector,
                            .msg_iovlen = 1};
    const pj_sockaddr *local = udp->paths ? sip_paths_find(udp->paths, address) : NULL;
    _Alignas(struct cmsghdr) char control[SOURCE_SIZE];

    if (local) {
        set_source(&header, control, local);
    }
    while (sendmsg(udp->watch.fd, &header, MSG_DONTWAIT) < 0) {
        if (header.msg_control && (errno == EINVAL || errno == ENETUNREACH)) {
            /* perhaps the address is none of ours any more */
            header.msg_control = NULL;
            header.msg_controllen = 0;
            continue;
        }
        if (errno == EAGAIN || errno == ENOBUFS) {
            sip_counters.unsent++; /* lost, as if the network had lost it: SIP sends again */
            break;
        }
        if (errno != EINTR) {
            return PJ_RETURN_OS_ERROR(errno);
        }
    }
    return PJ_SUCCESS;
}

static pj_status_t send_datagram(pjsip_transport *transport, pjsip_tx_data *tdata,
                                 const pj_sockaddr_t *address, int address_length, void *token,
                                 pjsip_transport_callback callback)
{
    (void)token; /* what it is for is done when we return */
    (void)callback;
    return put((struct udp *)transport, tdata->buf.start,
               (size_t)(tdata->buf.cur - tdata->buf.start), address, address_length);
}

const pj_sockaddr *sip_udp_path(const pjsip_transport *transport, const pj_sockaddr *peer)
{
    const struct udp *udp = (const struct udp *)transport;

    return udp->paths ? sip_paths_find(udp->paths, peer) : NULL;
}

int sip_udp_fd(const pjsip_transport *transport)
{
    return ((const struct udp *)transport)->watch.fd;
}

const pj_sockaddr *sip_udp_destination(const pjsip_rx_data *rdata)
{
    const struct slot *slot = (const struct slot *)rdata->tp_info.tp_data;

    if (rdata->tp_info.transport->send_msg != send_datagram || !slot ||
        slot->destination.addr.sa_family == 0) {
        return NULL; /* not ours, a copy, or not asked for */
    }
    return &slot->destination;
}

/* ---- life ---- */

/* Frees what there is of it; PJSIP calls it when its endpoint goes. */
static pj_status_t destroy(pjsip_transport *transport)
{
    struct udp *udp = (struct udp *)transport;

    if (udp->watch.ready) {
        sip_loop_unwatch(&udp->watch);
    }
    if (udp->watch.fd >= 0) {
        close(udp->watch.fd);
    }
    if (udp->parsing) {
        pj_pool_release(udp->parsing);
    }
    if (udp->base.ref_cnt) {
        pj_atomic_destroy(udp->base.ref_cnt);
    }
    if (udp->base.lock) {
        pj_lock_destroy(udp->base.lock);
    }
    pj_pool_release(udp->base.pool);
    return PJ_SUCCESS;
}

static pj_status_t shutdown_now(pjsip_transport *transport)
{
    return pjsip_transport_dec_ref(transport);
}

/* What PJSIP says of us where nothing better is known: our address, or that of the default route.
 */
static void name_it(struct udp *udp, const char *name)
{
    pjsip_transport *base = &udp->base;
    pj_sockaddr published = base->local_addr;
    char text[PJ_INET6_ADDRSTRLEN + 10];
    pj_str_t host;
    size_t size = strlen(name) + sizeof(text) + 8;

    if (udp->paths) {
        pj_sockaddr route;

        if (pj_getdefaultipinterface(base->local_addr.addr.sa_family, &route) == PJ_SUCCESS) {
            pj_sockaddr_copy_addr(&published, &route);
        }
    }
    pj_sockaddr_print(&published, text, sizeof(text), 0);
    host = sip_str(text);
    pj_strdup_with_null(base->pool, &base->local_name.host, &host);
    base->local_name.port = pj_sockaddr_get_port(&base->local_addr);
    base->remote_name.host =
        sip_str(base->local_addr.addr.sa_family == PJ_AF_INET6 ? "::0" : "0.0.0.0");
    base->info = pj_pool_alloc(base->pool, size);
    pj_ansi_snprintf(base->info, size, "udp %s (%s)",
                     name_of(&base->local_addr, text, sizeof(text)), name);
}

static pj_status_t fill_base(struct udp *udp, const struct sip_transport_config *config)
{
    pjsip_transport *base = &udp->base;
    pj_status_t status;
    socklen_t length = sizeof(base->local_addr);

    base->type_name = (char *)"UDP";
    base->key.type =
        config->bind.addr.sa_family == PJ_AF_INET6 ? PJSIP_TRANSPORT_UDP6 : PJSIP_TRANSPORT_UDP;
    base->key.rem_addr.addr.sa_family = config->bind.addr.sa_family; /* and else zero: any peer */
    base->flag = pjsip_transport_get_flag_from_type(base->key.type);
    base->dir = PJSIP_TP_DIR_NONE;
    base->endpt = sip_endpt;
    base->send_msg = send_datagram;
    base->do_shutdown = shutdown_now;
    base->destroy = destroy;
    if (getsockname(udp->watch.fd, (struct sockaddr *)&base->local_addr, &length) != 0) {
        return PJ_RETURN_OS_ERROR(errno);
    }
    base->addr_len = (int)length;
    name_it(udp, config->name);
    status = pj_atomic_create(base->pool, 0, &base->ref_cnt);
    if (status == PJ_SUCCESS) {
        status = pj_lock_create_recursive_mutex(base->pool, base->obj_name, &base->lock);
    }
    return status;
}

static int fill_slots(struct udp *udp)
{
    int i;

    udp->parsing = pjsip_endpt_create_pool(sip_endpt, "udpparse", PARSER_POOL, 4000);
    udp->slots = pj_pool_calloc(udp->base.pool, BATCH, sizeof(udp->slots[0]));
    if (!udp->parsing || !udp->slots) {
        return -1;
    }
    for (i = 0; i < BATCH; i++) {
        pjsip_rx_data *rdata = &udp->slots[i].rdata;

        rdata->tp_info.pool = udp->parsing;
        rdata->tp_info.transport = &udp->base;
        rdata->tp_info.tp_data = &udp->slots[i];
        rdata->tp_info.op_key.rdata = rdata;
    }
    prepare(udp);
    return 0;
}

static struct udp *create(const struct sip_transport_config *config)
{
    pj_pool_t *pool = pjsip_endpt_create_pool(sip_endpt, "udp", 4000, 4000);
    struct udp *udp;

    if (!pool) {
        return NULL;
    }
    udp = PJ_POOL_ZALLOC_T(pool, struct udp);
    udp->base.pool = pool;
    pj_ansi_snprintf(udp->base.obj_name, sizeof(udp->base.obj_name), "udp%p", (void *)udp);
    if (!pj_sockaddr_has_addr(&config->bind)) {
        udp->paths = sip_paths_create(pool);
    }
    udp->watch.fd = -1;
    return udp;
}

int sip_udp_start(const struct sip_transport_config *config, pjsip_transport **transport)
{
    struct udp *udp = create(config);
    char error[PJ_ERR_MSG_SIZE];
    pj_status_t status = PJ_ENOMEM;

    if (!udp) {
        ast_error("res_sip: transport '%s': no memory", config->name);
        return -1;
    }
    udp->watch.fd = sip_udp_socket(config);
    if (udp->watch.fd < 0) {
        goto out;
    }
    status = fill_base(udp, config);
    if (status == PJ_SUCCESS && fill_slots(udp) != 0) {
        status = PJ_ENOMEM;
    }
    if (status == PJ_SUCCESS) {
        status = pjsip_transport_register(pjsip_endpt_get_tpmgr(sip_endpt), &udp->base);
    }
    if (status != PJ_SUCCESS) {
        ast_error("res_sip: transport '%s': %s", config->name,
                  sip_error(status, error, sizeof(error)));
        goto out;
    }
    pjsip_transport_add_ref(&udp->base); /* it stays when nobody uses it */
    udp->watch.ready = on_readable;
    if (sip_loop_watch(&udp->watch) != 0) {
        return -1; /* registered: it goes with PJSIP's endpoint */
    }
    *transport = &udp->base;
    return 0;

out:
    destroy(&udp->base);
    return -1;
}
