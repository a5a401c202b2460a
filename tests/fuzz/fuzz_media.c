/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What media sockets and files give: RTP, RTCP, WAV. The input is read as each of them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "media/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct media_packet packet;
    struct media_rtcp_report report = {0};
    struct media_wav *wav = NULL;
    char why[200];

    if (media_packet_parse(data, size, &packet) == 0) {
        if (packet.offset > size || packet.length > size - packet.offset) {
            abort(); /* the payload lies in the packet */
        }
        for (unsigned i = 0; i < packet.length; i++) {
            sink = data[packet.offset + i];
        }
    }
    media_rtcp_parse(data, size, 0x01020304, &report);
    if (media_wav_parse(data, size, &wav, why, sizeof(why)) == 0) {
        media_wav_unref(wav);
    }
    return 0;
}
