/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration file, from its octets to sections, and on to a dialplan. (Files are the operator's
 * own; a crash would still be a poor answer to a typing error.)
 */
#include <stdint.h>
#include <stdlib.h>

#include "channel/channel.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_report *report = config_report_create();
    struct config_file *file =
        config_file_parse((const char *)data, size, "fuzz.conf", NULL, report);
    struct pbx *pbx = NULL;

    if (file && config_extensions_read(file, "fuzz.conf", report, &pbx) == 0) {
        config_extensions_check(pbx, report);
        pbx_unref(pbx);
    }
    config_file_free(file);
    config_report_free(report);
    return 0;
}
