/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: which endpoint a request comes from.
 */
#ifndef RES_SIP_IDENTIFY_H
#define RES_SIP_IDENTIFY_H

#include "res_sip/core.h"

/* ---- identify*.c ---- */

int sip_identify_start(const struct sip_config *config);
void sip_identify_stop(void);
int sip_identify_prepare(struct sip_config *config); /* these three: reload.h */
void sip_identify_abandon(void);
void sip_identify_commit(struct sip_config *old, struct sip_config *config);
int sip_identify_ip_start(const struct sip_config *config);
void sip_identify_ip_stop(void);
int sip_identify_ip_prepare(const struct sip_config *config);
void sip_identify_ip_abandon(void);
void sip_identify_ip_commit(void);
/* The addresses of names: identify_name.c forgets all, and adds those of each name anew. */
void sip_identify_ip_forget_names(void);
void sip_identify_ip_add_name(const struct sip_identify_config *config,
                              const pj_sockaddr *addresses, unsigned count);
/* Lookups begin when the loop turns. */
int sip_identify_name_start(const struct sip_config *config);
void sip_identify_name_stop(void);
int sip_identify_name_prepare(const struct sip_config *config);
void sip_identify_name_abandon(void);
void sip_identify_name_commit(void);
int sip_identify_username_start(void);
int sip_identify_anonymous_start(void);
int sip_identify_auth_start(void);
/* 1: a value to match is a regular expression between slashes, which is in out then. */
int sip_match_is_regex(const char *value, char *out, size_t size);
int sip_identify_match_start(const struct sip_config *config);
void sip_identify_match_stop(void);
int sip_identify_match_prepare(const struct sip_config *config);
void sip_identify_match_abandon(void);
void sip_identify_match_commit(void);

#endif
