/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what an upstream server that asks for it is told of our load (RFC 7339), in the topmost
 * Via of every answer: by which percentage it should reduce what is new ("loss", the algorithm that
 * everybody has), and for how long that holds. It is text that is written here; the numbers are
 * overload.c's.
 */
#include <stdio.h>
#include <sys/time.h>

#include "res_sip/overload/overload.h"

#define VALIDITY 500 /* ms, the default of RFC 7339 4.3 */

void sip_feedback_now(struct sip_feedback *feedback)
{
    static unsigned long long last; /* oc-seq only goes up (RFC 7339 4.4) */
    unsigned long long ms;
    struct timeval now;

    gettimeofday(&now, NULL);
    ms = (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_usec / 1000;
    last = ms > last ? ms : last + 1;
    feedback->loss = sip_overload_loss();
    /* without overload the validity is 0, which ends what was asked for before (RFC 7339 4.3) */
    feedback->validity = feedback->loss ? VALIDITY : 0;
    snprintf(feedback->sequence, sizeof(feedback->sequence), "%llu.%03llu", last / 1000,
             last % 1000);
}

static pjsip_param *find(pjsip_via_hdr *via, const char *name)
{
    const pj_str_t wanted = sip_str(name);

    return pjsip_param_find(&via->other_param, &wanted);
}

/* `loss` is among the algorithms that the upstream knows; it has to be (RFC 7339 4.2). */
static int knows_loss(const pjsip_param *algorithms)
{
    const pj_str_t loss = sip_str("loss");

    return !algorithms || pj_stristr(&algorithms->value, &loss) != NULL;
}

static void add(pjsip_tx_data *tdata, pjsip_via_hdr *via, const char *name, const char *value)
{
    pjsip_param *param = PJ_POOL_ZALLOC_T(tdata->pool, pjsip_param);

    param->name = sip_str(name);
    pj_strdup2(tdata->pool, &param->value, value);
    pj_list_push_back(&via->other_param, param);
}

static void tell(pjsip_tx_data *tdata, pjsip_via_hdr *via)
{
    struct sip_feedback now;
    char number[12];

    sip_feedback_now(&now);
    snprintf(number, sizeof(number), "%u", now.loss);
    add(tdata, via, "oc", number);
    snprintf(number, sizeof(number), "%u", now.validity);
    add(tdata, via, "oc-validity", number);
    add(tdata, via, "oc-seq", now.sequence);
    add(tdata, via, "oc-algo", "\"loss\"");
    pjsip_tx_data_invalidate_msg(tdata);
}

static pj_status_t on_tx_response(pjsip_tx_data *tdata)
{
    pjsip_via_hdr *via = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_VIA, NULL);
    pjsip_param *asked, *algorithms;

    if (!via || pj_list_empty(&via->other_param) || !(asked = find(via, "oc")) ||
        asked->value.slen > 0 || !knows_loss(algorithms = find(via, "oc-algo"))) {
        return PJ_SUCCESS;
    }
    pj_list_erase(asked);
    if (algorithms) {
        pj_list_erase(algorithms);
    }
    tell(tdata, via);
    return PJ_SUCCESS;
}

static pjsip_module feedback = {
    .name = SIP_STR("mod-sip-feedback"),
    .id = -1,
    .priority = SIP_PRIORITY_EDGE + 1, /* before it is printed */
    .on_tx_response = on_tx_response,
};

int sip_feedback_start(void)
{
    return sip_module_register(&feedback);
}
