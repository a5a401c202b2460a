/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder with configuration files, for one test; and what the report says of them. */
#ifndef FILES_H
#define FILES_H

#include "config/config.h"

/* cmocka's set-up and tear-down: an empty folder, an empty report. */
int files_begin(void **state);
int files_end(void **state);

extern struct config_report *report;

/* Path of a file in the folder; valid until the next but three calls. */
const char *files_path(const char *name);
/* Writes a file (the folder it is in is made); returns its path. */
const char *files_write(const char *name, const char *text);
const char *files_folder(void);

/* The report is exactly these lines, "pjsip.conf:3: error: text" with the folder left out; then it is emptied. */
void files_check(const char *expected);
/* The report holds a problem whose line contains this. */
void files_check_has(const char *part);
/* Forgets what was reported. */
void files_forget(void);

#endif
