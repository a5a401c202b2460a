/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replaces: what a Replaces header says (RFC 3891 6.1). Pure: text in, values out; the modules
 * replaces and refer are each compiled with it.
 */
#ifndef REPLACES_VALUE_H
#define REPLACES_VALUE_H

struct replaces_value {
    char call_id[256];
    char to_tag[128];   /* the tag of whoever gets the header */
    char from_tag[128]; /* the tag of whom it talks with */
    int early_only;
};

/* 0; -1: it is no Replaces, or longer than any honest one; value is untouched then. */
int replaces_parse(const char *text, struct replaces_value *value);

#endif
