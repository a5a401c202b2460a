/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For unit tests of any room: catches what the code under test logs. */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <stddef.h>

/* From here on the log goes to a file of this test, and nothing of it was read. */
void logfile_begin(void);
/* All that was logged since logfile_begin; valid until the next call. */
const char *logfile_text(void);
/* Back to standard error; the file is gone. */
void logfile_end(void);
unsigned logfile_lines(void); /* of the last logfile_text */

#endif
