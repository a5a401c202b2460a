/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tone probe: sends a tone with a marker in it, listens whether it comes back, and measures how
 * loud and how late. For clients that test a call, as `sipsession call` does.
 *
 * Threads: the SIP thread, but for ast_tone_probe_result and ast_tone_probe_destroy, which any
 * thread may call.
 */
#ifndef SIPSESSION_TONE_H
#define SIPSESSION_TONE_H

#include <sipsession/media.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief A probe; opaque */
struct ast_tone_probe;

/*! \brief What a probe knows by now */
struct ast_tone_result {
    int heard; /*!< 1: the marker came back at least once; else what follows but for sent is 0 */
    unsigned markers_sent; /*!< one every second */
    unsigned markers_heard;
    unsigned delay_ms; /*!< shortest round trip: network, other side, codecs; below 900 */
    double level_dbm0; /*!< of the tone that came back (ITU-T G.100.1); it was sent at -13 */
};

/*! \brief Make a probe. NULL: no memory. */
struct ast_tone_probe *ast_tone_probe_create(void);

/*!
 * \brief Make it the source and sink of a stream; once only
 *
 * \retval 0 Success
 * \retval -1 The stream's codec cannot be read and written here, or it was attached before
 */
int ast_tone_probe_attach(struct ast_tone_probe *probe, struct ast_rtp *rtp);

/*! \brief What it knows by now. Any thread. */
void ast_tone_probe_result(struct ast_tone_probe *probe, struct ast_tone_result *result);

/*! \brief Done with it, in any order with the stream's end. Any thread. NULL is allowed. */
void ast_tone_probe_destroy(struct ast_tone_probe *probe);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
