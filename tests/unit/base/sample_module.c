/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The modules that test_module.c loads: the same source, compiled with other NAME, REQUIRES and faults. */
#include <sipsession/log.h>
#include <sipsession/module.h>

/* Of the test program. */
void sample_event(const char *name, const char *event);
int sample_fails(const char *name);
unsigned sample_uses(void);

static int init(void)
{
    sample_event(NAME, "init");
    return sample_fails(NAME) ? -1 : 0;
}

#ifdef WITHOUT_CLOSE
#define CLOSE NULL
#else
static void close_module(void)
{
#ifdef NOISY
    for (int i = 0; i < 9; i++) {
        ast_error_limited("no room in %s", NAME);
    }
#endif
    sample_event(NAME, "close");
}
#define CLOSE close_module
#endif

#if defined(WITHOUT_DESCRIPTOR)
int sample_use(void);
__attribute__((visibility("default"))) int sample_use(void)
{
    CLOSE();
    return init();
}
#elif defined(WITHOUT_INIT)
int sample_use(void);
__attribute__((visibility("default"))) int sample_use(void)
{
    CLOSE();
    return init();
}
AST_SIP_MODULE(.name = NAME, .description = "no init");
#elif defined(OTHER_ABI)
extern const struct ast_sip_module AST_SIP_MODULE_SYMBOL;
__attribute__((visibility("default"))) const struct ast_sip_module AST_SIP_MODULE_SYMBOL = {
    .name = NAME,
    .init = init,
    .close = CLOSE,
    .abi = {AST_SIP_MODULE_ABI, PJSIP_MAX_MODULE + 1, sizeof(pjsip_rx_data), sizeof(pjsip_tx_data),
            sizeof(pjsip_dialog)}};
#else
#ifdef WITH_USES
#define IN_USE sample_uses
#else
#define IN_USE NULL
#endif
AST_SIP_MODULE(.name = NAME, .description = "module " NAME, .requires = REQUIRES, .init = init,
               .close = CLOSE, .in_use = IN_USE);
#endif
