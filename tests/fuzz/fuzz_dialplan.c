/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call through a dialplan. The first three lines are a peer's: what it dials, its name, the digits it sends; the
 * rest is extensions.conf. Time passes at once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"
#include "config/config.h"
#include "res_sip/core.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- time: one timer, since there is one channel ---- */

static pj_timer_entry *armed;

static int schedule(pj_timer_entry *entry, const pj_time_val *delay)
{
    (void)delay;
    if (armed != NULL) {
        abort(); /* a channel has one timer */
    }
    armed = entry;
    return 0;
}

static void cancel(pj_timer_entry *entry)
{
    if (armed != entry) {
        abort();
    }
    armed = NULL;
}

static const struct chan_clock fuzz_clock = {schedule, cancel};

/* ---- the peer ---- */

static int answer(struct ast_channel *channel)
{
    (void)channel;
    return 0;
}

static int indicate(struct ast_channel *channel, enum ast_control control)
{
    (void)channel;
    (void)control;
    return 0;
}

static unsigned hangups;

static void hangup(struct ast_channel *channel)
{
    (void)channel;
    ++hangups;
}

static const struct ast_channel_tech tech = {.name = "Fuzz",
                                             .answer = answer,
                                             .indicate = indicate,
                                             .hangup = hangup};

struct peer {
    char exten[200], name[200], digits[40];
};

static void call(const struct peer *peer)
{
    struct ast_party_id caller = {.number = "100"};
    struct ast_channel_options options = {
        .tech = &tech, .name = "Fuzz/1", .context = "c", .exten = peer->exten, .caller = &caller};
    struct ast_channel *channel;

    base_copy_text(caller.name, sizeof(caller.name), peer->name, strlen(peer->name));
    channel = ast_channel_create(&options);
    hangups = 0;
    pbx_can_match(pbx_current(), "c", peer->exten, NULL);
    if (ast_pbx_start(channel) == 0) {
        for (const char *digit = peer->digits; *digit != '\0'; ++digit) {
            ast_channel_dtmf(channel, *digit, 100);
        }
        for (unsigned fired = 0; armed != NULL && fired < 20; ++fired) {
            pj_timer_entry *entry = armed;

            armed = NULL;
            entry->cb(NULL, entry);
        }
        ast_channel_hangup(channel, 0);
        if (hangups != 1 || armed != NULL || channel->exec.pbx != NULL) {
            abort(); /* told once, and nothing is left */
        }
    }
    if (channel->refs != 1) {
        abort();
    }
    ast_channel_unref(channel);
}

/* Cuts a line off the input. */
static void take_line(const uint8_t **data, size_t *size, char *out, size_t out_size)
{
    const uint8_t *end = memchr(*data, '\n', *size);
    size_t length = end != NULL ? (size_t)(end - *data) : *size;
    size_t taken = end != NULL ? length + 1 : length;

    base_copy_text(out, out_size, (const char *)*data, length);
    *data += taken;
    *size -= taken;
}

/* What pbx_find asks for: options in force. Nobody is registered. */
static int use_options(void)
{
    struct sip_config *config = sip_config_create();

    if (config != NULL) {
        config->global.shared.regcontext = strdup("default");
    }
    return config != NULL ? sip_config_use(config) : -1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    ast_log_set_level((enum ast_log_level) - 1);
    chan_clock = &fuzz_clock;
    return use_options() == 0 ? chan_register_applications() : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_report *report = config_report_create();
    struct config_file *file;
    struct pbx *pbx = NULL;
    struct peer peer;

    if (chan_find_application("Answer") == NULL) { /* replayed without libFuzzer */
        LLVMFuzzerInitialize(NULL, NULL);
    }
    take_line(&data, &size, peer.exten, sizeof(peer.exten));
    take_line(&data, &size, peer.name, sizeof(peer.name));
    take_line(&data, &size, peer.digits, sizeof(peer.digits));
    file = config_file_parse((const char *)data, size, "fuzz.conf", NULL, report);
    if (file != NULL && config_extensions_read(file, "fuzz.conf", report, &pbx) == 0) {
        pbx_set(pbx);
        call(&peer);
        pbx_set(NULL);
    }
    config_file_free(file);
    config_report_free(report);
    return 0;
}
