/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks that pools are made of: they do not overlap, and what is free goes back to the system. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/blocks.h"

#define MANY 20000u

struct piece {
    unsigned char *at;
    size_t size;
    unsigned char mark;
};

static struct piece pieces[MANY];

static void take(struct piece *piece, size_t size)
{
    piece->at = sip_block_alloc(size);
    assert_non_null(piece->at);
    assert_int_equal((uintptr_t)piece->at % 16, 0);
    piece->size = size;
    piece->mark = (unsigned char)rand();
    memset(piece->at, piece->mark, size);
}

static void give(struct piece *piece)
{
    for (size_t i = 0; i < piece->size; i++) {
        assert_int_equal(piece->at[i], piece->mark);
    }
    sip_block_free(piece->at, piece->size);
    piece->at = NULL;
}

/* Pages of the pieces that the system still has memory for. */
static unsigned resident(const struct piece *from, unsigned count)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned char present = 0;
        void *at = (void *)((uintptr_t)from[i].at / page * page);

        assert_int_equal(mincore(at, 1, &present), 0);
        found += present & 1u;
    }
    return found;
}

static void test_no_overlap(void **state)
{
    (void)state;
    srand(1);
    for (unsigned turn = 0; turn < 10 * MANY; turn++) {
        struct piece *piece = &pieces[(unsigned)rand() % 2000];

        if (piece->at) {
            give(piece);
        } else {
            take(piece, 1 + (unsigned)rand() % (turn % 50 == 0 ? 40000 : 5000));
        }
        if (turn % 20000 == 0) {
            sip_blocks_trim(); /* takes nothing from what is used */
        }
    }
    for (unsigned i = 0; i < 2000; i++) {
        if (pieces[i].at) {
            give(&pieces[i]);
        }
    }
}

/* The sizes at which something else begins. */
static void test_edges(void **state)
{
    static const size_t sizes[] = {
        0, 1, 127, 128, 129, 4096, SIP_BLOCK_MOST - 1, SIP_BLOCK_MOST, SIP_BLOCK_MOST + 1};

    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned n = 0; n < 1100; n++) {
            take(&pieces[n], sizes[i]);
        }
        for (unsigned n = 0; n < 1100; n++) {
            give(&pieces[n]);
        }
    }
}

/* A chunk that nothing is in any more loses its pages, but for a few: without anybody asking. */
static void test_load_goes(void **state)
{
    static struct piece before[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        take(&pieces[i], 4096);
    }
    memcpy(before, pieces, sizeof(before));
    assert_int_equal(resident(before, MANY), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        give(&pieces[i]);
    }
    assert_in_range(resident(before, MANY), 0, MANY / 20);
    sip_blocks_trim();
    assert_int_equal(resident(before, MANY), 0);
}

/* What stays between what goes keeps its own pages, not those of its neighbours. */
static void test_some_stay(void **state)
{
    static struct piece before[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        take(&pieces[i], 4096);
    }
    memcpy(before, pieces, sizeof(before));
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 20) {
            give(&pieces[i]);
        }
    }
    assert_true(resident(before, MANY) > MANY / 2);
    sip_blocks_trim();
    assert_int_equal(resident(before, MANY), MANY / 20);
    for (unsigned i = 0; i < MANY; i += 20) {
        give(&pieces[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_overlap),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_load_goes),
        cmocka_unit_test(test_some_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
