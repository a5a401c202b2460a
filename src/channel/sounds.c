/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: where sound files are. A name in the dialplan may hold a peer's text, so it can never lead out of the
 * folder: no absolute names, no "..", nothing but plain components.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static char *folder;

int chan_set_sounds(const char *new_folder)
{
    char *copy = new_folder != NULL ? strdup(new_folder) : NULL;

    if (new_folder != NULL && copy == NULL) {
        ast_error("No memory for the folder of sounds");
        return -1;
    }
    free(folder);
    folder = copy;
    return 0;
}

/* Components that are not empty, not hidden and not "..", of printable characters. */
static int is_safe(const char *name)
{
    int begins = 1;

    if (name[0] == '\0') {
        return 0;
    }
    for (; *name != '\0'; ++name) {
        unsigned char c = (unsigned char)*name;

        if (c < 0x20 || c == 0x7f || c == '\\' || (begins && (c == '.' || c == '/'))) {
            return 0;
        }
        begins = c == '/';
    }
    return !begins;
}

int chan_sound_path(const char *name, char *out, size_t size)
{
    int length;

    if (folder == NULL || !is_safe(name)) {
        ast_warning_limited("\"%s\" is no name of a sound file%s", name,
                            folder == NULL ? ": there is no folder" : "");
        return -1;
    }
    length = snprintf(out, size, "%s/%s.wav", folder, name);
    if (length < 0 || (size_t)length >= size) {
        ast_warning_limited("The name of the sound file \"%s\" is too long", name);
        return -1;
    }
    return 0;
}
