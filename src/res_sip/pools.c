/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: PJSIP's pools, as large as they were asked for (PJSIP's own caching pool doubles them up to the next power
 * of two), of blocks.c. Any thread, as PJSIP has it: a pool is used by one at a time.
 */
#include <pjlib.h>
#include <pthread.h>

#include <sipsession/log.h>

#include "res_sip/blocks.h"
#include "res_sip/core.h"

/* PJSIP's struct for its counts and its list, so that whoever knows a caching pool can look at ours; used_size is what
 * blocks.c has of it. What is done is done here. */
static pj_caching_pool cache;

#if PJ_HAS_POOL_ALT_API /* the sanitizers' pools are made of malloc and know no factory */

void sip_pools_start(void) {}

void sip_pools_destroy(void) {}

#else

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards list and counts */

static void *alloc_block(pj_pool_factory *self, pj_size_t size)
{
    void *block = sip_block_alloc(size);

    (void)self;
    if (block && size <= SIP_BLOCK_MOST) {
        __atomic_fetch_add(&cache.used_size, size, __ATOMIC_RELAXED);
    }
    return block;
}

static void free_block(pj_pool_factory *self, void *block, pj_size_t size)
{
    (void)self;
    if (size <= SIP_BLOCK_MOST) {
        __atomic_fetch_sub(&cache.used_size, size, __ATOMIC_RELAXED);
    }
    sip_block_free(block, size);
}

static pj_pool_t *create(pj_pool_factory *self, const char *name, pj_size_t initial,
                         pj_size_t increment, pj_size_t alignment, pj_pool_callback *callback)
{
    pj_pool_t *pool = pj_pool_create_int(self, name, initial, increment, alignment, callback);

    if (pool) {
        pthread_mutex_lock(&lock);
        pj_list_push_back(&cache.used_list, pool);
        cache.used_count++;
        pthread_mutex_unlock(&lock);
    }
    return pool;
}

static void release(pj_pool_factory *self, pj_pool_t *pool)
{
    (void)self;
    pthread_mutex_lock(&lock);
    pj_list_erase(pool);
    cache.used_count--;
    pthread_mutex_unlock(&lock);
    pj_pool_destroy_int(pool);
}

static void dump(pj_pool_factory *self, pj_bool_t detail)
{
    (void)self;
    (void)detail;
    ast_debug("res_sip: %zu pools of %zu octets", cache.used_count, cache.used_size);
}

void sip_pools_start(void)
{
    cache = (pj_caching_pool){.factory = {
                                  .policy = pj_pool_factory_default_policy,
                                  .create_pool = create,
                                  .release_pool = release,
                                  .dump_status = dump,
                              }};
    cache.factory.policy.block_alloc = alloc_block;
    cache.factory.policy.block_free = free_block;
    pj_list_init(&cache.used_list);
}

/* What nobody released goes with us. */
void sip_pools_destroy(void)
{
    while (!pj_list_empty(&cache.used_list)) {
        pj_pool_t *pool = (pj_pool_t *)cache.used_list.next;

        ast_debug("res_sip: pool '%s' was not released", pj_pool_getobjname(pool));
        release(&cache.factory, pool);
    }
}

#endif

size_t sip_pools_count(void)
{
    return cache.used_count;
}

pj_pool_factory *sip_memory_factory(void)
{
    return &cache.factory;
}
