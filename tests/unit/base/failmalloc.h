/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For unit tests of any room: makes the nth allocation of our own code fail. Link failmalloc.c and
 * ${FAILMALLOC_LIBS} (see CMakeLists.txt): the linker sends the rooms' calls of malloc and its kin here. What libc
 * and PJLIB allocate for themselves does not count.
 */
#ifndef FAILMALLOC_H
#define FAILMALLOC_H

/* The nth allocation from now on fails, once; 0: none. Of all threads together. */
void failmalloc_set(unsigned nth);
/* Whether it came to that since failmalloc_set. */
int failmalloc_fired(void);

/*
 * Calls attempt with its first allocation failing, then with its second, and so on until it needs no more. It
 * returns 0 or -1, and cleans up in both cases. With a failed allocation it must return -1 (with `may_live`: or
 * 0), without one 0. Returns how many allocations there are.
 */
unsigned failmalloc_each(int (*attempt)(void *data), void *data, int may_live);

#endif
