/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: how packets are marked: type of service (tos, an int) and priority within the system
 * (cos, an unsigned).
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "0xb8", "184", or a name of RFC 2474 and RFC 3246 as Asterisk writes them. */
int config_parse_tos(void *object, const struct base_option *option, const char *value, char *why,
                     size_t why_size)
{
    static const struct {
        const char *name;
        int tos;
    } names[] = {{"CS0", 0x00},  {"CS1", 0x20},  {"CS2", 0x40},  {"CS3", 0x60},  {"CS4", 0x80},
                 {"CS5", 0xa0},  {"CS6", 0xc0},  {"CS7", 0xe0},  {"AF11", 0x28}, {"AF12", 0x30},
                 {"AF13", 0x38}, {"AF21", 0x48}, {"AF22", 0x50}, {"AF23", 0x58}, {"AF31", 0x68},
                 {"AF32", 0x70}, {"AF33", 0x78}, {"AF41", 0x88}, {"AF42", 0x90}, {"AF43", 0x98},
                 {"EF", 0xb8}};
    int *member = (int *)(void *)((char *)object + option->offset);
    char *end;
    unsigned long number;
    int on;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(value, names[i].name) == 0) {
            *member = names[i].tos;
            return 0;
        }
    }
    if (base_parse_bool(value, &on) == 0 && !on) { /* the field's default is "false" */
        *member = 0;
        return 0;
    }
    number = strtoul(value, &end, 0);
    if (value[0] < '0' || value[0] > '9' || *end || number > 0xff || number % 4 != 0) {
        snprintf(why, why_size,
                 "expected a number from 0 to 252 in steps of 4, or a name, e.g. cs3 or ef");
        return -1;
    }
    *member = (int)number;
    return 0;
}

void config_format_tos(const void *object, const struct base_option *option, char *out, size_t size)
{
    const char *member = (const char *)object + option->offset;

    snprintf(out, size, "%d", *(const int *)(const void *)member);
}

/* A priority, or one of the words of "no", which the field's default is. */
int config_parse_cos(void *object, const struct base_option *option, const char *value, char *why,
                     size_t why_size)
{
    unsigned *member = (unsigned *)(void *)((char *)object + option->offset);
    unsigned cos;
    int on;

    if (base_parse_uint(value, 7, &cos) != 0) {
        if (base_parse_bool(value, &on) != 0 || on) {
            snprintf(why, why_size, "expected a whole number from 0 to 7");
            return -1;
        }
        cos = 0;
    }
    *member = cos;
    return 0;
}

void config_format_cos(const void *object, const struct base_option *option, char *out, size_t size)
{
    const char *member = (const char *)object + option->offset;

    snprintf(out, size, "%u", *(const unsigned *)(const void *)member);
}
