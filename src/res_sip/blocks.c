/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the blocks that PJSIP's pools are made of. Knows no pools.
 *
 * Messages and transactions live for half a minute, what is registered for hours. In one heap a few octets of the
 * latter between the former keep whole pages of it. So blocks have memory of their own: chunks of blocks of one size,
 * taken from areas that stay mapped. A chunk without a block in use gives its pages back at once, but for a few that
 * are kept warm; the free pages of the others go back when sip_blocks_trim is called.
 *
 * Blocks above MOST are the C library's. Any thread: a module's work may use a pool of its own on another one.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "res_sip/blocks.h"

#define CHUNK  ((size_t)128 * 1024)
#define CHUNKS 128u             /* of an area */
#define AREA   (CHUNKS * CHUNK) /* aligned to its size: a block's address tells its area */
#define STEP   ((size_t)128)    /* sizes are multiples of it */
#define MOST   SIP_BLOCK_MOST
#define SIZES  (MOST / STEP)
#define WORDS  (CHUNK / STEP / 64)
#define WARM   16u /* chunks without blocks that keep their pages */
#define PAGE   ((size_t)4096)

/* What is known of a chunk; not in its own memory, so that an unused one has no page at all. */
struct chunk {
    struct chunk *previous, *next; /* of those of this size that have room, or of the unused ones */
    char *memory;
    size_t size; /* of a block; 0: unused */
    unsigned count, used;
    unsigned first; /* words before this one have no free block */
    uint64_t free[WORDS];
};

/* Stands in the place of its first chunk. */
struct area {
    struct area *older;
    unsigned taken; /* chunks that were used at any time; the first one is this */
    struct chunk chunks[CHUNKS];
};

_Static_assert(sizeof(struct area) <= CHUNK, "an area's head has the room of a chunk");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *with_room[SIZES + 1];
static struct chunk *warm, *cold; /* unused; cold ones have no pages */
static unsigned warm_count;
static struct area *areas;

static void push(struct chunk **list, struct chunk *chunk)
{
    chunk->previous = NULL;
    chunk->next = *list;
    if (*list) {
        (*list)->previous = chunk;
    }
    *list = chunk;
}

static void take(struct chunk **list, struct chunk *chunk)
{
    if (chunk->next) {
        chunk->next->previous = chunk->previous;
    }
    if (chunk->previous) {
        chunk->previous->next = chunk->next;
    } else {
        *list = chunk->next;
    }
}

/* Pages that lie wholly between two addresses go back; they read as zeros afterwards. */
static void give_back(char *from, const char *to)
{
    char *first = (char *)(((uintptr_t)from + PAGE - 1) / PAGE * PAGE);
    const char *end = (const char *)((uintptr_t)to / PAGE * PAGE);

    if (first < end) {
        madvise(first, (size_t)(end - first), MADV_DONTNEED);
    }
}

/* Address space for more chunks. 0, -1. */
static int map_area(void)
{
    char *memory = mmap(NULL, 2 * AREA, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *begin = (char *)(((uintptr_t)memory + AREA - 1) / AREA * AREA);
    struct area *area = (struct area *)begin;

    if (memory == MAP_FAILED) {
        return -1;
    }
    if (begin > memory) {
        munmap(memory, (size_t)(begin - memory));
    }
    munmap(begin + AREA, (size_t)(memory + AREA - begin));
    area->taken = 1;
    area->older = areas;
    areas = area;
    return 0;
}

/* An unused chunk, or NULL. */
static struct chunk *get_chunk(void)
{
    struct chunk **list = warm ? &warm : &cold, *chunk = *list;

    if (chunk) {
        take(list, chunk);
        warm_count -= list == &warm;
        return chunk;
    }
    if ((!areas || areas->taken == CHUNKS) && map_area() != 0) {
        return NULL;
    }
    chunk = &areas->chunks[areas->taken];
    chunk->memory = (char *)areas + areas->taken * CHUNK;
    areas->taken++;
    return chunk;
}

static struct chunk *make_chunk(size_t size)
{
    struct chunk *chunk = get_chunk();

    if (!chunk) {
        return NULL;
    }
    chunk->size = size;
    chunk->count = (unsigned)(CHUNK / size);
    chunk->used = 0;
    chunk->first = 0;
    memset(chunk->free, 0, sizeof(chunk->free));
    for (unsigned i = 0; i < chunk->count / 64; i++) {
        chunk->free[i] = ~(uint64_t)0;
    }
    if (chunk->count % 64) {
        chunk->free[chunk->count / 64] = ((uint64_t)1 << chunk->count % 64) - 1;
    }
    push(&with_room[size / STEP], chunk);
    return chunk;
}

static void *get_block(size_t size)
{
    struct chunk *chunk = with_room[size / STEP];
    unsigned word, bit;

    if (!chunk && !(chunk = make_chunk(size))) {
        return NULL;
    }
    for (word = chunk->first; chunk->free[word] == 0; word++) {
    }
    bit = (unsigned)__builtin_ctzll(chunk->free[word]);
    chunk->free[word] &= chunk->free[word] - 1;
    chunk->first = word;
    if (++chunk->used == chunk->count) {
        take(&with_room[size / STEP], chunk);
    }
    return chunk->memory + (word * 64 + bit) * size;
}

static void retire(struct chunk *chunk)
{
    take(&with_room[chunk->size / STEP], chunk);
    chunk->size = 0;
    if (warm_count < WARM) {
        warm_count++;
        push(&warm, chunk);
    } else {
        give_back(chunk->memory, chunk->memory + CHUNK);
        push(&cold, chunk);
    }
}

static void put_block(void *block)
{
    struct area *area = (struct area *)((uintptr_t)block / AREA * AREA);
    struct chunk *chunk = &area->chunks[(size_t)((char *)block - (char *)area) / CHUNK];
    unsigned number = (unsigned)((size_t)((char *)block - chunk->memory) / chunk->size);

    chunk->free[number / 64] |= (uint64_t)1 << number % 64;
    if (number / 64 < chunk->first) {
        chunk->first = number / 64;
    }
    if (chunk->used-- == chunk->count) {
        push(&with_room[chunk->size / STEP], chunk);
    }
    if (chunk->used == 0) {
        retire(chunk);
    }
}

static size_t rounded(size_t size)
{
    return (size + STEP - 1) / STEP * STEP;
}

void *sip_block_alloc(size_t size)
{
    void *block;

    if (size > MOST) {
        return malloc(size);
    }
    pthread_mutex_lock(&lock);
    block = get_block(rounded(size ? size : 1));
    pthread_mutex_unlock(&lock);
    return block;
}

void sip_block_free(void *block, size_t size)
{
    if (size > MOST) {
        free(block);
        return;
    }
    pthread_mutex_lock(&lock);
    put_block(block);
    pthread_mutex_unlock(&lock);
}

static int is_free(const struct chunk *chunk, unsigned number)
{
    return (int)(chunk->free[number / 64] >> number % 64 & 1);
}

/* The pages of a chunk's free blocks. */
static void trim(struct chunk *chunk)
{
    unsigned from = 0, to;

    if (chunk->size == 0 || chunk->used == chunk->count) {
        return;
    }
    while (from < chunk->count) {
        for (to = from; to < chunk->count && is_free(chunk, to); to++) {
        }
        if (to > from) {
            give_back(chunk->memory + from * chunk->size, chunk->memory + to * chunk->size);
        }
        from = to + 1;
    }
}

void sip_blocks_trim(void)
{
    struct chunk *chunk;

    pthread_mutex_lock(&lock);
    while ((chunk = warm)) {
        take(&warm, chunk);
        give_back(chunk->memory, chunk->memory + CHUNK);
        push(&cold, chunk);
    }
    warm_count = 0;
    for (struct area *area = areas; area; area = area->older) {
        for (unsigned i = 1; i < area->taken; i++) {
            trim(&area->chunks[i]);
        }
    }
    pthread_mutex_unlock(&lock);
}
