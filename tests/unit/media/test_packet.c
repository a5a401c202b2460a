/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What needs no socket: RTP's header, sequences, sources of packets, numbers of echoes, clocks. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "media/media.h"

/* ---- header ---- */

static void header_round_trip(void **state)
{
    const struct media_packet out = {.payload_type = 101,
                                     .marker = true,
                                     .sequence = 0xfedc,
                                     .timestamp = 0x89abcdef,
                                     .ssrc = 0xdeadbeef};
    uint8_t data[20] = {0};
    struct media_packet in;

    (void)state;
    media_packet_write(data, &out);
    assert_int_equal(media_packet_parse(data, sizeof(data), &in), 0);
    assert_int_equal(in.payload_type, 101);
    assert_true(in.marker);
    assert_int_equal(in.sequence, 0xfedc);
    assert_int_equal(in.timestamp, 0x89abcdef);
    assert_int_equal(in.ssrc, 0xdeadbeef);
    assert_int_equal(in.offset, 12);
    assert_int_equal(in.length, 8);
}

static void header_with_csrc_extension_padding(void **state)
{
    uint8_t data[12 + 8 + 4 + 8 + 5 + 3] = {0x80 | 0x20 | 0x10 | 2};
    struct media_packet packet;

    (void)state;
    data[12 + 8 + 3] = 2; /* the extension: two words */
    data[sizeof(data) - 1] = 3;
    assert_int_equal(media_packet_parse(data, sizeof(data), &packet), 0);
    assert_int_equal(packet.offset, 32);
    assert_int_equal(packet.length, 5);
    data[sizeof(data) - 1] = 8; /* all of it is padding */
    assert_int_equal(media_packet_parse(data, sizeof(data), &packet), 0);
    assert_int_equal(packet.length, 0);
    data[sizeof(data) - 1] = 9;
    assert_int_equal(media_packet_parse(data, sizeof(data), &packet), -1);
    data[sizeof(data) - 1] = 0;
    assert_int_equal(media_packet_parse(data, sizeof(data), &packet), -1);
    data[12 + 8 + 2] = 0xff; /* an extension beyond the end */
    data[sizeof(data) - 1] = 3;
    assert_int_equal(media_packet_parse(data, sizeof(data), &packet), -1);
}

static void header_that_is_none(void **state)
{
    uint8_t data[2000] = {0x80};
    struct media_packet packet;

    (void)state;
    for (size_t size = 0; size < 12; size++) {
        assert_int_equal(media_packet_parse(data, size, &packet), -1);
    }
    assert_int_equal(media_packet_parse(data, 12, &packet), 0);
    assert_int_equal(media_packet_parse(data, sizeof(data), &packet), -1);
    data[0] = 0x40; /* version 1 */
    assert_int_equal(media_packet_parse(data, 12, &packet), -1);
    data[0] = 0x8f; /* 15 CSRCs that are not there */
    assert_int_equal(media_packet_parse(data, 70, &packet), -1);
    data[0] = 0x90; /* an extension that is not there */
    assert_int_equal(media_packet_parse(data, 14, &packet), -1);
}

/* Every header that could be, on every size: nothing reads outside (the sanitizer tells). */
static void header_of_noise(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t data[64];
        struct media_packet packet;
        const size_t size = media_random32() % sizeof(data);

        media_random(data, size);
        if (media_packet_parse(data, size, &packet) == 0) {
            assert_true(packet.offset >= 12 && packet.offset + packet.length <= size);
        }
    }
}

/* ---- source ---- */

static enum media_source_result update(struct media_source *source, unsigned sequence,
                                       uint32_t ssrc)
{
    const struct media_packet packet = {.sequence = (uint16_t)sequence, .ssrc = ssrc};

    return media_source_update(source, &packet);
}

static void source_wraps_and_counts(void **state)
{
    struct media_source source = {0};

    (void)state;
    assert_int_equal(update(&source, 65534, 1), MEDIA_SOURCE_RESTART);
    assert_int_equal(update(&source, 65535, 1), MEDIA_SOURCE_NEXT);
    assert_int_equal(update(&source, 2, 1), MEDIA_SOURCE_NEXT); /* 0 and 1 are lost */
    assert_int_equal(media_source_extended_max(&source), 65538);
    assert_int_equal(media_source_lost(&source), 2);
    assert_int_equal(media_source_fraction_lost(&source), 2 * 256 / 5);
    assert_int_equal(media_source_fraction_lost(&source), 0); /* nothing came since */
    assert_int_equal(update(&source, 0, 1), MEDIA_SOURCE_OLD);
    assert_int_equal(media_source_lost(&source), 1);
    assert_int_equal(update(&source, 2, 1), MEDIA_SOURCE_OLD);
    assert_int_equal(update(&source, 2, 1), MEDIA_SOURCE_OLD);
    assert_int_equal(media_source_lost(&source), -1); /* what came twice makes it negative */
    assert_int_equal(media_source_fraction_lost(&source), 0);
}

static void source_jumps_and_restarts(void **state)
{
    struct media_source source = {0};

    (void)state;
    update(&source, 100, 1);
    assert_int_equal(update(&source, 30000, 1), MEDIA_SOURCE_BAD);
    assert_int_equal(update(&source, 101, 1), MEDIA_SOURCE_NEXT);
    assert_int_equal(update(&source, 30001, 1), MEDIA_SOURCE_RESTART);
    assert_int_equal(update(&source, 30002, 1), MEDIA_SOURCE_NEXT);
    assert_int_equal(media_source_lost(&source), 0);
    assert_int_equal(update(&source, 30003, 2), MEDIA_SOURCE_RESTART); /* another SSRC */
    assert_int_equal(source.ssrc, 2);
}

static void source_jitter(void **state)
{
    struct media_source source = {0};
    uint32_t timestamp = 0xfffffff0, arrival = 5;

    (void)state;
    update(&source, 1, 1);
    for (unsigned i = 0; i < 200; i++) { /* each packet comes 40 units early or late in turn */
        media_source_arrival(&source, timestamp, arrival + (i % 2 ? 40 : 0));
        timestamp += 160;
        arrival += 160;
    }
    assert_in_range(source.jitter >> 4, 38, 40);
    media_source_arrival(&source, timestamp + 0x40000000, arrival); /* a leap is no jitter */
    assert_in_range(source.jitter >> 4, 35, 40);
}

/* ---- learn ---- */

static union media_address address(const char *host, unsigned port)
{
    union media_address out;

    memset(&out, 0, sizeof(out));
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, host, &out.v4.sin_addr);
    return out;
}

#define SECOND MEDIA_NS

static void learn_expected_at_once(void **state)
{
    const union media_address peer = address("10.0.0.1", 4000), other = address("10.0.0.1", 4002);
    struct media_learn learn;

    (void)state;
    media_learn_reset(&learn, &peer, 0);
    assert_true(media_learn_accept(&learn, &peer, 7, false, 1));
    for (uint16_t i = 0; i < 100; i++) { /* from then on nobody else has a say */
        assert_false(media_learn_accept(&learn, &other, i, false, SECOND * i));
    }
    assert_true(media_learn_accept(&learn, &peer, 8, true, 2));
}

static void learn_stranger_after_four(void **state)
{
    const union media_address peer = address("10.0.0.1", 4000), other = address("192.0.2.1", 9);
    const union media_address third = address("192.0.2.2", 9);
    struct media_learn learn;

    (void)state;
    media_learn_reset(&learn, &peer, 0);
    assert_false(media_learn_accept(&learn, &other, 1, false, 1));
    assert_false(media_learn_accept(&learn, &other, 2, false, 1));
    assert_false(media_learn_accept(&learn, &third, 3, false, 1)); /* it starts anew */
    assert_false(media_learn_accept(&learn, &other, 3, false, 1));
    assert_false(media_learn_accept(&learn, &other, 4, false, 1));
    assert_false(media_learn_accept(&learn, &other, 5, false, 1));
    assert_true(media_learn_accept(&learn, &other, 6, false, 1));
    /* the peer of the SDP wins while the call is young, and not later */
    struct media_learn young = learn, old = learn;

    assert_true(media_learn_accept(&young, &peer, 6, false, 4 * SECOND));
    assert_false(media_learn_accept(&young, &other, 7, false, 4 * SECOND));
    assert_false(media_learn_accept(&old, &peer, 6, false, 6 * SECOND));
    assert_true(media_learn_accept(&old, &other, 7, true, 6 * SECOND));
}

static void learn_follows_a_nat(void **state)
{
    const union media_address peer = address("10.0.0.1", 4000), moved = address("10.0.0.1", 5000);
    struct media_learn learn;

    (void)state;
    media_learn_reset(&learn, &peer, 0);
    assert_true(media_learn_accept(&learn, &peer, 1, false, 10 * SECOND));
    /* as long as the old address sends, and without the same SSRC and sequence, never */
    for (uint16_t i = 2; i < 10; i++) {
        assert_false(media_learn_accept(&learn, &moved, i, true, 10 * SECOND + SECOND / 2));
        assert_false(media_learn_accept(&learn, &moved, i, false, 20 * SECOND));
    }
    assert_false(media_learn_accept(&learn, &moved, 20, true, 20 * SECOND));
    assert_false(media_learn_accept(&learn, &moved, 21, true, 20 * SECOND));
    assert_false(media_learn_accept(&learn, &moved, 22, true, 20 * SECOND));
    assert_true(media_learn_accept(&learn, &moved, 23, true, 20 * SECOND));
    assert_false(media_learn_accept(&learn, &peer, 24, true, 20 * SECOND));
}

/* ---- relay and sender ---- */

static void relay_keeps_gaps_and_order(void **state)
{
    struct media_sender sender = {0};
    struct media_relay relay = {0};
    struct media_packet packet = {.sequence = 65535, .timestamp = 0xfffffff0, .ssrc = 5};

    (void)state;
    media_sender_start(&sender, 8000, 0);
    const uint16_t first = sender.sequence;
    assert_true(media_relay_map(&relay, &sender, &packet, true, 0));
    assert_false(packet.marker); /* nothing of ours was before */
    assert_int_equal(packet.sequence, first);
    assert_int_equal(packet.ssrc, sender.ssrc);
    const uint32_t start = packet.timestamp;

    media_sender_note(&sender, packet.timestamp, 0, 160);
    packet = (struct media_packet){.sequence = 2, .timestamp = 0xfffffff0 + 480, .ssrc = 5};
    assert_true(media_relay_map(&relay, &sender, &packet, false, 60000000));
    assert_int_equal(packet.sequence, (uint16_t)(first + 3));
    assert_int_equal(packet.timestamp, start + 480);
    media_sender_note(&sender, packet.timestamp, 60000000, 160);
    packet = (struct media_packet){.sequence = 1, .timestamp = 0xfffffff0 + 320, .ssrc = 5};
    assert_true(media_relay_map(&relay, &sender, &packet, false, 61000000));
    assert_int_equal(packet.sequence, (uint16_t)(first + 2));
    assert_int_equal(sender.sequence, (uint16_t)(first + 4));
}

static void relay_goes_on_with_another_source(void **state)
{
    struct media_sender sender = {0};
    struct media_relay relay = {0};
    struct media_packet packet = {.sequence = 10, .timestamp = 1000, .ssrc = 5};

    (void)state;
    media_sender_start(&sender, 8000, 0);
    media_relay_map(&relay, &sender, &packet, true, 0);
    const uint16_t last = packet.sequence;
    const uint32_t time = packet.timestamp;

    media_sender_note(&sender, packet.timestamp, 0, 160);
    packet = (struct media_packet){.sequence = 40000, .timestamp = 77, .ssrc = 6};
    assert_true(media_relay_map(&relay, &sender, &packet, false, 100 * 1000000));
    assert_true(packet.marker);
    assert_int_equal(packet.sequence, (uint16_t)(last + 1));
    assert_int_equal(packet.timestamp, time + 800);
    /* what comes late from before the change has no number any more */
    packet = (struct media_packet){.sequence = 39999, .timestamp = 0, .ssrc = 6};
    assert_false(media_relay_map(&relay, &sender, &packet, false, 100 * 1000000));
}

static void relay_makes_room(void **state)
{
    struct media_sender sender = {0};
    struct media_relay relay = {0};
    struct media_packet packet = {.sequence = 10, .ssrc = 5};

    (void)state;
    media_sender_start(&sender, 8000, 0);
    media_relay_map(&relay, &sender, &packet, true, 0);
    const uint16_t first = packet.sequence;

    assert_int_equal(sender.sequence++, (uint16_t)(first + 1)); /* a packet of ours */
    media_relay_inserted(&relay);
    packet = (struct media_packet){.sequence = 11, .ssrc = 5};
    assert_true(media_relay_map(&relay, &sender, &packet, false, 0));
    assert_int_equal(packet.sequence, (uint16_t)(first + 2));
    packet = (struct media_packet){.sequence = 10, .ssrc = 5};
    assert_false(media_relay_map(&relay, &sender, &packet, false, 0));
}

static void relay_over_a_long_time(void **state)
{
    struct media_sender sender = {0};
    struct media_relay relay = {0};
    uint16_t expected;

    (void)state;
    media_sender_start(&sender, 8000, 0);
    expected = sender.sequence;
    for (unsigned i = 0; i < 200000; i++) {
        struct media_packet packet = {.sequence = (uint16_t)(i + 7),
                                      .timestamp = i * 160,
                                      .ssrc = 9};

        assert_true(media_relay_map(&relay, &sender, &packet, i == 0, i * 20000000ull));
        assert_int_equal(packet.sequence, expected);
        expected++;
    }
}

static void sender_clock(void **state)
{
    struct media_sender sender = {0};

    (void)state;
    media_sender_start(&sender, 8000, 5 * SECOND);
    const uint32_t start = media_sender_timestamp(&sender, 5 * SECOND);

    assert_int_equal(media_sender_timestamp(&sender, 6 * SECOND), start + 8000);
    media_sender_start(&sender, 48000,
                       7 * SECOND); /* another codec: the clock goes on from there */
    assert_int_equal(media_sender_timestamp(&sender, 8 * SECOND), start + 16000 + 48000);
    /* months of uptime */
    assert_int_equal(media_units(100 * 86400 * SECOND, 48000), (uint32_t)(100ull * 86400 * 48000));
    assert_int_equal(media_units(SECOND / 2 + 100 * 86400 * SECOND, 8000),
                     (uint32_t)(100ull * 86400 * 8000 + 4000));
}

static void ntp_time(void **state)
{
    const uint64_t now = media_now();
    const uint64_t ntp = media_ntp(now);

    (void)state;
    assert_in_range(ntp >> 32, (uint64_t)time(NULL) + 2208988800u - 2,
                    (uint64_t)time(NULL) + 2208988800u + 2);
    const uint64_t later = media_ntp(now + SECOND / 4) - ntp;

    assert_in_range(later, (1ull << 30) - 8, (1ull << 30) + 8);
}

static void addresses(void **state)
{
    union media_address a = address("127.0.0.1", 5), b = address("127.0.0.1", 6);
    union media_address six;

    (void)state;
    assert_true(media_address_same_host(&a, &b));
    assert_false(media_address_equal(&a, &b));
    assert_true(media_address_usable(&a));
    a.v4.sin_port = 0;
    assert_false(media_address_usable(&a));
    b.v4.sin_addr.s_addr = 0;
    assert_false(media_address_usable(&b));
    memset(&six, 0, sizeof(six));
    assert_false(media_address_usable(&six));
    six.v6.sin6_family = AF_INET6;
    six.v6.sin6_port = 5;
    assert_false(media_address_usable(&six));
    six.v6.sin6_addr.s6_addr[15] = 1;
    assert_true(media_address_usable(&six));
    assert_false(media_address_same_host(&a, &six));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_round_trip),
        cmocka_unit_test(header_with_csrc_extension_padding),
        cmocka_unit_test(header_that_is_none),
        cmocka_unit_test(header_of_noise),
        cmocka_unit_test(source_wraps_and_counts),
        cmocka_unit_test(source_jumps_and_restarts),
        cmocka_unit_test(source_jitter),
        cmocka_unit_test(learn_expected_at_once),
        cmocka_unit_test(learn_stranger_after_four),
        cmocka_unit_test(learn_follows_a_nat),
        cmocka_unit_test(relay_keeps_gaps_and_order),
        cmocka_unit_test(relay_goes_on_with_another_source),
        cmocka_unit_test(relay_makes_room),
        cmocka_unit_test(relay_over_a_long_time),
        cmocka_unit_test(sender_clock),
        cmocka_unit_test(ntp_time),
        cmocka_unit_test(addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
