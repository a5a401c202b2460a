/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sipsession's settings of PJSIP: the one file that PJSIP, our library, every module and every
 * program that uses them are compiled with (its structs depend on it). cmake/build-pjsip.sh puts
 * one line before it that names the variant: SIPSESSION_PJ_RELEASE, _DEBUG, _ASAN, _TSAN or _FUZZ.
 * A change here rebuilds PJSIP and changes the modules' ABI. Letters such as (A7) name the entries
 * of docs/pjsip.md, what is known to be wrong in PJSIP 2.17.
 */

/* --- variants ------------------------------------------------------------------------------ */

/* PJ_DEBUG 0: an assertion that peer input can reach must not end a server. The test variants
 * keep them, so that such input shows; PJ_POOL_DEBUG makes each pool allocation a malloc of its
 * own, so that ASan sees an overflow inside a pool. */
#if defined(SIPSESSION_PJ_RELEASE)
#define PJ_DEBUG         0
#define PJ_TIMER_DEBUG   0
#define PJ_LOG_MAX_LEVEL 4
#else
#define PJ_DEBUG         1
#define PJ_TIMER_DEBUG   1
#define PJ_LOG_MAX_LEVEL 5
#define PJ_SAFE_POOL     1
#endif
#if defined(SIPSESSION_PJ_ASAN) || defined(SIPSESSION_PJ_FUZZ)
#define PJ_POOL_DEBUG 1
#endif

/* --- base ---------------------------------------------------------------------------------- */

#define PJ_LOG_MAX_SIZE          4000
#define PJ_HAS_IPV6              1
#define PJ_ENABLE_EXTRA_CHECK    1
#define PJ_HAS_SSL_SOCK          1
#define PJ_SSL_SOCK_IMP          PJ_SSL_SOCK_IMP_OPENSSL /* (A13) */
#define PJ_TIMER_USE_LINKED_LIST 0

/* No copy of each timer beside the heap: it costs 80 octets for each slot there ever was, and a timer that is freed
 * while it runs is found by the sanitizers, not by a copy. */
#define PJ_TIMER_USE_COPY 0

/* Keys of the ioqueue are made in advance, 0.6 KiB each. Only SIP sockets live in it (listeners
 * and TCP/TLS connections); RTP has its own epoll. The cap on connections (max_connections of
 * sipsession.conf) stays below (B14, D3). */
#define PJ_IOQUEUE_MAX_HANDLES 8192

/* Plain epoll. One thread polls, so nothing is gained by EPOLLEXCLUSIVE, which costs a second
 * system call (delete, then add) for each change of what a socket waits for. */
#define PJ_IOQUEUE_DEFAULT_EPOLL_FLAGS 0

/* --- SIP ----------------------------------------------------------------------------------- */

/* These two size hash tables (8 bytes a bucket, two tables for transactions); they limit nothing.
 * An answered INVITE keeps its transaction for 32 s (C2): 1,000 calls/s make 64,000 of them. */
#define PJSIP_MAX_TSX_COUNT    (64 * 1024 - 1)
#define PJSIP_MAX_DIALOG_COUNT (64 * 1024 - 1)

/* The timer heap starts with this many slots and doubles when they are used up. */
#define PJSIP_MAX_TIMER_COUNT 8192

/* More expired timers for each turn of the loop than the default 10: at 400 calls/s some thousand
 * timers expire each second. */
#define PJSIP_MAX_TIMED_OUT_ENTRIES 64

/* Extensions register as modules of PJSIP, and each struct has one slot for each of them. */
#define PJSIP_MAX_MODULE 48

/* Above what the guard in res_sip accepts, below 100,000 (C9). Each outgoing message has a buffer
 * of this size while it lives. */
#define PJSIP_MAX_PKT_LEN 8000

/* Servers that a request may be tried at, one after the other. Each outgoing message, responses too, has room for so
 * many addresses, 64 octets each. */
#define PJSIP_MAX_RESOLVED_ADDRESSES 8

/* First and further blocks of pools (res_sip/pools.c takes these sizes as they are): measured, bench/memory. A
 * transaction with the keys of usual branches fits into its first one, as does the text of a response that is kept for
 * a repeated request (res_sip/message/settle.c), and the parser of a connection has nothing while it is silent. */
#define PJSIP_POOL_TSX_LEN    1664
#define PJSIP_POOL_TSX_INC    256
#define PJSIP_POOL_LEN_TDATA  2304
#define PJSIP_POOL_INC_TDATA  1024
#define PJSIP_POOL_RDATA_LEN  256
#define PJSIP_POOL_RDATA_INC  4096
#define PJSIP_POOL_LEN_DIALOG 7168
#define PJSIP_POOL_INC_DIALOG 1024

/* No resolver of PJSIP's (A7, B8, D2, E9): res_sip plugs c-ares in as the external one. */
#define PJSIP_HAS_RESOLVER 0

/* Options of a listener's connections: TCP_NODELAY, the four of keep-alives, IPV6_V6ONLY. */
#define PJ_MAX_SOCKOPT_PARAMS 8

/* Connections that are silent, idle or stuck are closed by res_sip/transport/connection.c, which counts every
 * octet as life; PJSIP would close a phone's connection that carries keep-alives only. */
#define PJSIP_TCP_INITIAL_TIMEOUT        0
#define PJSIP_TRANSPORT_SERVER_IDLE_TIME (30 * 24 * 3600)

/* A thousand phones connect at once when their network is there again: beyond this the system lets
 * them wait for seconds. The system's own limit is net.core.somaxconn. */
#define PJ_SOMAXCONN                1024
#define PJSIP_TCP_TRANSPORT_BACKLOG 1024

/* A listener never gives up because accept() failed too often (D3). */
#define PJ_ACTIVESOCK_MAX_CONSECUTIVE_ACCEPT_ERROR 0x7fffffff

#define PJSIP_UNESCAPE_IN_PLACE 0 /* (A11) */

/* --- SDP and media --------------------------------------------------------------------------- */

#define PJMEDIA_MAX_SDP_MEDIA                     32 /* our own limit is 8 (A1) */
#define PJMEDIA_MAX_SDP_FMT                       32
#define PJMEDIA_MAX_SDP_ATTR                      64 /* (A2) */
#define PJMEDIA_SDP_NEG_MAINTAIN_REMOTE_PT_MAP    0  /* (A6) */
#define PJMEDIA_SDP_NEG_PREFER_REMOTE_CODEC_ORDER 1  /* (B4) */
#define PJMEDIA_SDP_NEG_ANSWER_MULTIPLE_CODECS    0  /* (A0.3) */
#define PJMEDIA_HAS_VIDEO                         0
#define PJMEDIA_HAS_RTCP_XR                       0
#define PJMEDIA_MAX_MRU                           3000 /* DTLS flights (C13) */
#define PJMEDIA_SRTP_HAS_SDES                     1
#define PJMEDIA_SRTP_HAS_DTLS                     1
/* Off: media may not be moved by whoever sends a packet (B7, E2). */
#define PJMEDIA_TRANSPORT_SWITCH_REMOTE_ADDR 0
