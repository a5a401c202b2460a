/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: services are PJSIP modules; here they come and go.
 */
#include <sipsession/log.h>

#include "res_sip/core.h"

int sip_module_register(pjsip_module *module)
{
    char error[PJ_ERR_MSG_SIZE];
    pj_status_t status = pjsip_endpt_register_module(sip_endpt, module);

    if (status != PJ_SUCCESS) {
        ast_error("res_sip: module %.*s: %s", (int)module->name.slen, module->name.ptr,
                  sip_error(status, error, sizeof(error)));
        return -1;
    }
    return 0;
}

int ast_sip_register_service(pjsip_module *module)
{
    base_assert_sip_thread();
    if (!sip_endpt) {
        ast_error("res_sip: a service can be registered while the server runs only");
        return -1;
    }
    if (sip_loop_in_network()) {
        ast_error("res_sip: service %.*s: not within a callback of a message: push a task",
                  (int)module->name.slen, module->name.ptr);
        return -1;
    }
    if (module->id != -1) {
        ast_error("res_sip: service %.*s is registered already, or its id is not -1",
                  (int)module->name.slen, module->name.ptr);
        return -1;
    }
    return sip_module_register(module);
}

void ast_sip_unregister_service(pjsip_module *module)
{
    base_assert_sip_thread();
    if (sip_endpt && module->id != -1) {
        base_assert(!sip_loop_in_network()); /* PJSIP would wait for itself, for ever */
        pjsip_endpt_unregister_module(sip_endpt, module);
    }
}

pjsip_endpoint *ast_sip_get_pjsip_endpoint(void)
{
    base_assert_sip_thread();
    return sip_endpt;
}
