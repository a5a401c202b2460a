/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: memory of one config_file, given out in order and freed at once. It is bounded: files
 * that grow without end by inheritance or inclusion are refused, whatever they do.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 16384u

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(max_align_t) char memory[];
};

struct config_arena {
    struct chunk *chunks; /* the first one is the one in use */
    size_t total;
};

struct config_arena *config_arena_create(void)
{
    return calloc(1, sizeof(struct config_arena));
}

void config_arena_free(struct config_arena *arena)
{
    struct chunk *chunk, *next;

    if (!arena) {
        return;
    }
    for (chunk = arena->chunks; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(arena);
}

static struct chunk *add_chunk(struct config_arena *arena, size_t least)
{
    size_t size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
    struct chunk *chunk;

    if (least > CONFIG_MEMORY || arena->total + size > CONFIG_MEMORY) {
        return NULL;
    }
    chunk = malloc(sizeof(*chunk) + size);
    if (!chunk) {
        return NULL;
    }
    chunk->used = 0;
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->total += size;
    return chunk;
}

void *config_arena_take(struct config_arena *arena, size_t size)
{
    struct chunk *chunk = arena->chunks;
    void *memory;

    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = add_chunk(arena, size);
        if (!chunk) {
            return NULL;
        }
    }
    memory = chunk->memory + chunk->used;
    chunk->used += size;
    return memset(memory, 0, size);
}

char *config_arena_copy(struct config_arena *arena, const char *text, size_t length)
{
    char *copy = config_arena_take(arena, length + 1);

    if (copy) {
        memcpy(copy, text, length);
    }
    return copy;
}
