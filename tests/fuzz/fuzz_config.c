/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration file, from its octets to sections, and on to a dialplan and to objects of pjsip.conf. (Files are the
 * operator's own; a crash would still be a poor answer to a typing error.)
 */
#include <stdint.h>
#include <stdlib.h>

#include "channel/channel.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_dialplan(const struct config_file *file, struct config_report *report)
{
    struct pbx *pbx = NULL;

    if (config_extensions_read(file, "fuzz.conf", report, &pbx) == 0) {
        config_extensions_check(pbx, report);
        config_extensions_check_begin(pbx, "demo", report);
        pbx_unref(pbx);
    }
}

static void read_objects(const struct config_file *file, struct config_report *report)
{
    struct sip_config *sip = NULL;

    if (config_pjsip_make(file, "fuzz.conf", NULL, report, &sip) == 0) {
        sip_config_destroy(sip);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct config_report *report = config_report_create();
    struct config_file *file =
        config_file_parse((const char *)data, size, "fuzz.conf", NULL, report);

    nowhere = nowhere ? nowhere : fopen("/dev/null", "w");
    if (file) {
        read_dialplan(file, report);
        read_objects(file, report);
    }
    config_report_print(report, nowhere);
    config_file_free(file);
    config_report_free(report);
    return 0;
}
