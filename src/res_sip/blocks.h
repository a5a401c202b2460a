/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: memory for the blocks of PJSIP's pools (blocks.c). Any thread.
 */
#ifndef RES_SIP_BLOCKS_H
#define RES_SIP_BLOCKS_H

#include <stddef.h>

#define SIP_BLOCK_MOST ((size_t)16 * 1024) /* larger ones are the C library's */

/* NULL: no memory. The caller gives it back with the same size. */
void *sip_block_alloc(size_t size);
void sip_block_free(void *block, size_t size);
/* Pages that no block is in go back to the system. Takes some time: not while there is a load. */
void sip_blocks_trim(void);

#endif
