/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: from which address a stream's packets are taken. Pure, time passed in.
 *
 * Anybody can send to an open port. So a stream listens to one source: at once to the address of the
 * peer's SDP; to another one (a peer behind a NAT, or one that sends from another port) when it sent
 * LEARN_PACKETS in a row while nothing came from the former. That choice is final until the next
 * offer and answer, with two exceptions: packets from the SDP's own address win within LEARN_GRACE of
 * the start (a sender of a former call on this port may have been first), and a peer whose NAT gave it
 * a new port is followed when it goes on in the same sequence after LEARN_SILENCE of its old address,
 * which nobody can forge who does not see the stream.
 */
#include <string.h>

#include "media/media.h"

#define LEARN_PACKETS 4
#define LEARN_GRACE   (5 * MEDIA_NS)
#define LEARN_SILENCE (1 * MEDIA_NS)

void media_learn_reset(struct media_learn *learn, const union media_address *expected_from,
                       uint64_t now)
{
    memset(learn, 0, sizeof(*learn));
    learn->expected = *expected_from;
    learn->since = now;
}

static bool lock(struct media_learn *learn, const union media_address *from, uint64_t now)
{
    learn->state = MEDIA_LEARN_LOCKED;
    learn->locked = *from;
    learn->count = 0;
    learn->heard = now;
    return true;
}

/* The candidate's packets in a row, this one included */
static unsigned in_a_row(struct media_learn *learn, const union media_address *from,
                         uint16_t sequence)
{
    if (learn->count > 0 && media_address_equal(&learn->candidate, from) &&
        sequence == (uint16_t)(learn->sequence + 1)) {
        learn->count++;
    } else {
        learn->candidate = *from;
        learn->count = 1;
    }
    learn->sequence = sequence;
    return learn->count;
}

bool media_learn_accept(struct media_learn *learn, const union media_address *from,
                        uint16_t sequence, bool continues, uint64_t now)
{
    if (learn->state == MEDIA_LEARN_LOCKED) {
        if (media_address_equal(&learn->locked, from)) {
            learn->heard = now;
            return true;
        }
        if (now - learn->since < LEARN_GRACE && media_address_equal(&learn->expected, from)) {
            return lock(learn, from, now);
        }
        if (!continues || now - learn->heard < LEARN_SILENCE) {
            return false;
        }
    } else if (media_address_equal(&learn->expected, from)) {
        return lock(learn, from, now);
    }
    return in_a_row(learn, from, sequence) >= LEARN_PACKETS && lock(learn, from, now);
}
