/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=endpoint of pjsip.conf. What an option does is the rooms' business; here is only how
 * it is written, and which options of the field are not supported, or must be refused because doing
 * without them would be unsafe.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#define ENDPOINT(member) .offset = offsetof(struct ast_sip_endpoint, member)

/* In the order of the enums of res_sip.h. */
static const char *const rel100_modes[] = {"no", "yes", "required", "peer_supported", NULL};
static const char *const redirect_methods[] = {"user", "uri_core", "uri_pjsip", NULL};
static const char *const offer_prefs[] = {"remote", "remote_first", "local", "local_first", NULL};
static const char *const outgoing_prefs[] = {"remote_merge", "remote",      "local", "local_merge",
                                             "remote_first", "local_first", NULL};
static const char *const timers_modes[] = {"no", "yes", "required", "always", NULL};

static const char *const connected_line_methods[] = {"invite", "reinvite", "update", NULL};

static const char *const no[] = {"no", NULL};
static const char *const yes[] = {"yes", NULL};

#define CUSTOM(option_name, member, parser, formatter, default_value, text)                        \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_CUSTOM, ENDPOINT(member), .parse = parser,        \
        .format = formatter, .fallback = default_value, .help = text                               \
    }
#define CHECKED(option_name, member, parser, default_value, text)                                  \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_CUSTOM, ENDPOINT(member), .parse = parser,        \
        .format = config_format_text, .release = config_release_text, .fallback = default_value,   \
        .help = text                                                                               \
    }
#define FLAG(option_name, member, default_value, text)                                             \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_BOOL, ENDPOINT(member),                           \
        .fallback = default_value, .help = text                                                    \
    }
/* INERT_: read and checked, but nothing obeys it yet. */
#define INERT_FLAG(option_name, member, default_value, text)                                       \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_BOOL, ENDPOINT(member),                           \
        .fallback = default_value, .inert = 1, .help = text                                        \
    }
#define NUMBER(option_name, member, default_value, least, most, text)                              \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_UINT, ENDPOINT(member),                           \
        .fallback = default_value, .min = least, .max = most, .help = text                         \
    }
#define RULES(option_name, member, text)                                                           \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_CUSTOM, ENDPOINT(member),                         \
        .parse = config_parse_rules, .format = config_format_rules,                                \
        .release = config_release_rules, .help = text                                              \
    }
#define WORD(option_name, member, text)                                                            \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_STRING, ENDPOINT(member), .help = text            \
    }

#define RESERVED                                                                                   \
    "Asterisk 22 reads it, and nothing there obeys it yet. `incoming_call_offer_pref` and "        \
    "`outgoing_call_offer_pref` are what decides."

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    CUSTOM(
        "allow", codecs, config_parse_allow, config_format_codecs, NULL,
        "Codecs in the order of preference, `!all,ulaw,g722:40`: `!` takes out, a number is the packet time in ms."),
    CUSTOM("disallow", codecs, config_parse_disallow, NULL, NULL,
           "Codecs to take out of the list; `all` empties it."),
    CHECKED("context", context, config_parse_word, "default",
            "Where its calls enter the dialplan."),
    CHECKED("message_context", message_context, config_parse_word, NULL,
            "Where its messages outside of calls enter the dialplan; without it, `context`. See "
            "[message](modules/message.md)."),
    WORD("transport", transport, "The transport of calls to it; without it, any that fits."),
    WORD("aors", aors,
         "Where it can be reached; names of sections of type `aor`, separated by commas."),
    CUSTOM("callerid", callerid, config_parse_callerid, config_format_callerid, NULL,
           "Its identity, `\"Name\" <number>`."),
    CUSTOM("callerid_privacy", callerid, config_parse_privacy, config_format_privacy, NULL,
           "`allowed`, `prohib` or `unavailable`."),
    WORD("callerid_tag", callerid_tag, "An opaque tag of its identity, for `CALLERID(tag)`."),
    WORD("accountcode", accountcode,
         "A code for whom its calls are charged to: `CHANNEL(accountcode)`."),
    WORD("language", language,
         "The language of what it hears: `CHANNEL(language)`; `Playback` does not look at it."),
    WORD("tenantid", tenantid, "Whose customer it is: `CHANNEL(tenantid)`."),
    WORD("tone_zone", tone_zone,
         "The country of the tones that it hears: `CHANNEL(tonezone)`; no tones are made by it."),
    CHECKED("from_user", from_user, config_parse_user, NULL, "User part of From in calls to it."),
    CHECKED("from_domain", from_domain, config_parse_host, NULL,
            "Host part of From in calls to it."),
    CHECKED("contact_user", contact_user, config_parse_user, NULL, "User part of our Contact."),
    CHECKED("outbound_proxy", outbound_proxy, config_parse_sip_uri, NULL,
            "SIP URI that requests to it are sent through."),
    WORD("outbound_auth", outbound_auth,
         "Sections of type `auth`, separated by commas, that its challenges are answered with."),
    WORD(
        "auth", auth,
        "Sections of type `auth`, separated by commas: its requests must authenticate themselves by one of "
        "them. See [security](security.md)."),
    FLAG("allow_unauthenticated_options", allow_unauthenticated_options, "no",
         "Its OPTIONS need not authenticate themselves."),
    RULES("permit", acl,
          "Addresses and networks that its requests may come from, separated by commas; "
          "may be given several times. Of `permit` and `deny` the last that matches wins; "
          "none: permitted. `!` before a network turns the meaning."),
    RULES("deny", acl, "Addresses and networks that its requests may not come from."),
    {.name = "acl",
     .kind = BASE_OPTION_CUSTOM,
     .parse = config_parse_names,
     .help =
         "Sections of `acl.conf` with `permit` and `deny`, separated by commas; all must permit."},
    RULES("contact_permit", contact_acl,
          "The same of the addresses in its Contacts; a name is no address, "
          "and not permitted where there are such lines."),
    RULES("contact_deny", contact_acl, "The same."),
    {.name = "contact_acl",
     .kind = BASE_OPTION_CUSTOM,
     .parse = config_parse_names,
     .help = "Sections of `acl.conf` for the addresses in its Contacts."},
    {.name = "redirect_method",
     .kind = BASE_OPTION_ENUM,
     ENDPOINT(redirect_method),
     .fallback = "user",
     .names = redirect_methods,
     .help =
         "Redirections (3xx) of calls to it: `uri_pjsip` follows them; with `user` and `uri_core` the call "
         "ends."},
    CUSTOM(
        "follow_redirect_methods", follow_redirect_methods, config_parse_follow,
        config_format_follow, NULL,
        "Requests to it outside of calls that follow a redirection (300, 301, 302): `message`, the "
        "only one that can. See [message](modules/message.md)."),
    CHECKED("media_address", media_address, config_parse_ip, NULL,
            "IP address that our SDP names."),
    CHECKED("sdp_owner", sdp_owner, config_parse_word, "-", "User name in `o=` of our SDP."),
    {.name = "sdp_session",
     .kind = BASE_OPTION_CUSTOM,
     ENDPOINT(sdp_session),
     .parse = config_parse_text,
     .format = config_format_text,
     .release = config_release_text,
     .fallback = "sipsession",
     .elsewhere = "Asterisk",
     .help = "Session name, `s=`, of our SDP."},
    CUSTOM("set_var", variables, config_parse_variable, config_format_variables, NULL,
           "`NAME=VALUE`: a variable of all its channels; may be given several times."),
    CUSTOM(
        "dtmf_mode", dtmf_mode, config_parse_dtmf, config_format_dtmf, "rfc4733",
        "How DTMF travels: `rfc4733` (telephone-event), `info` (INFO requests), `auto_info` (telephone-event where it is agreed on, else INFO) or `none`. `auto` does telephone-event only, `inband` nothing: tones in the audio are neither heard nor made. See [dtmf_info](modules/dtmf_info.md)."),
    {.name = "100rel",
     .kind = BASE_OPTION_ENUM,
     ENDPOINT(rel100),
     .fallback = "yes",
     .names = rel100_modes,
     .help = "Reliable provisional responses (RFC 3262)."},
    {.name = "timers",
     .kind = BASE_OPTION_ENUM,
     ENDPOINT(timers),
     .fallback = "yes",
     .names = timers_modes,
     .help = "Session timers (RFC 4028). See [session_timer](modules/session_timer.md)."},
    NUMBER("timers_min_se", timers_min_se, "90", 90, 86400, "Least session interval, in seconds."),
    NUMBER("timers_sess_expires", timers_sess_expires, "1800", 90, 86400,
           "Session interval, in seconds."),
    FLAG("trust_id_inbound", trust_id_inbound, "no",
         "Believe its P-Asserted-Identity and Remote-Party-ID."),
    FLAG("trust_id_outbound", trust_id_outbound, "no",
         "Tell it identities that asked not to be shown, with Privacy."),
    FLAG("send_pai", send_pai, "no", "Send it P-Asserted-Identity (RFC 3325)."),
    FLAG("send_rpid", send_rpid, "no", "Send it Remote-Party-ID."),
    FLAG("send_diversion", send_diversion, "yes",
         "Send it Diversion (RFC 5806) in calls that were diverted."),
    FLAG("send_history_info", send_history_info, "no", "Send it History-Info (RFC 7044)."),
    FLAG("send_connected_line", send_connected_line, "yes",
         "Tell it in a call when it is connected with somebody else (RFC 4916)."),
    FLAG("trust_connected_line", trust_connected_line, "yes",
         "Believe it when it says in a call that it is somebody else (RFC 4916)."),
    {.name = "connected_line_method",
     .kind = BASE_OPTION_ENUM,
     ENDPOINT(connected_line_method),
     .fallback = "invite",
     .names = connected_line_methods,
     .help = "How it is told that: `invite` and `reinvite`: UPDATE where its Allow has that, else "
             "re-INVITE; `update`: UPDATE, with the same exception."},
    FLAG("force_rport", force_rport, "yes",
         "Answer to the port that a request came from (RFC 3581)."),
    FLAG("rewrite_contact", rewrite_contact, "no",
         "Reach it where its messages come from, not at its Contact."),
    FLAG("rtp_symmetric", rtp_symmetric, "no", "Send RTP to where its RTP comes from."),
    FLAG("use_ptime", use_ptime, "no", "Send packets as long as its `a=ptime` asks for."),
    FLAG(
        "preferred_codec_only", preferred_codec_only, "no",
        "Answer an offer with the first codec of `allow` that it has, as `incoming_call_offer_pref = local` does."),
    INERT_FLAG("rtp_ipv6", rtp_ipv6, "no",
               "Media goes over IPv6 where the signalling or the SDP of the peer does."),
    FLAG("bind_rtp_to_media_address", bind_rtp_to_media_address, "no",
         "Bind RTP to `media_address`."),
    INERT_FLAG("inband_progress", inband_progress, "no",
               "Ringing is told by 180; no tones are made."),
    FLAG("allow_overlap", allow_overlap, "yes", "Answer 484 when a longer number could match."),
    CHECKED("overlap_context", overlap_context, config_parse_word, NULL,
            "Where that longer number could be; without it, in `context`."),
    FLAG(
        "user_eq_phone", user_eq_phone, "no",
        "URIs of calls to it that have a telephone number as their user say `user=phone` (RFC 3261 19.1.1)."),
    FLAG("suppress_q850_reason_headers", suppress_q850_reason_headers, "no",
         "Do not send it causes of Q.850 in Reason (RFC 3326)."),
    {.name = "incoming_call_offer_pref",
     .kind = BASE_OPTION_ENUM,
     ENDPOINT(incoming_call_offer_pref),
     .fallback = "remote",
     .elsewhere = "local",
     .names = offer_prefs,
     .help =
         "Whose order decides which codec our answer has, that of the offer or that of `allow`; it always "
         "has one, so the words with `_first` mean the same."},
    {.name = "outgoing_call_offer_pref",
     .kind = BASE_OPTION_ENUM,
     ENDPOINT(outgoing_call_offer_pref),
     .fallback = "remote_merge",
     .names = outgoing_prefs,
     .help =
         "What our offers in calls to it have: `local_first` and `remote_first`: the first codec of "
         "`allow` and no other one; else all of them, in its order. No other call's codecs come in: "
         "calls are not bridged."},
    NUMBER("rtp_timeout", rtp_timeout, "0", 0, 86400,
           "Seconds without RTP until a call ends; 0: never."),
    NUMBER("rtp_timeout_hold", rtp_timeout_hold, "0", 0, 86400, "The same for a call on hold."),
    NUMBER("rtp_keepalive", rtp_keepalive, "0", 0, 3600,
           "Seconds of silence until a packet is sent; 0: never."),
    NUMBER("rtp_port_start", rtp_port_start, "0", 0, 65534,
           "First port for its RTP; 0: `start` of `[rtp]` in `sipsession.conf`."),
    NUMBER("rtp_port_end", rtp_port_end, "0", 0, 65535, "Last port. Both or none are given."),
    CUSTOM("tos_audio", tos_audio, config_parse_tos, config_format_tos, "0",
           "Type of service of RTP to it: a number, or a name like `ef`."),
    CUSTOM("cos_audio", cos_audio, config_parse_cos, config_format_cos, "0",
           "Priority of RTP to it within the system, 0 to 7 (`SO_PRIORITY`)."),
    CUSTOM(
        "identify_by", identify_by, config_parse_identify_by, config_format_identify_by,
        "username,ip",
        "By what it may be found: `username` of From; `auth_username` of Authorization; `ip`, `header` and "
        "`request_uri` by a section of type `identify`."),
    NUMBER("max_audio_streams", max_audio_streams, "1", 1, 16,
           "Audio streams of a call; an offer's further ones are refused."),
    FLAG("allow_transfer", allow_transfer, "yes",
         "Take its REFER and Replaces: let it transfer calls (modules `refer`, `replaces`)."),
    FLAG("refer_blind_progress", refer_blind_progress, "yes",
         "Tell it how a call that it asked for with REFER goes on; no: 200 at once."),

    /* Without these somebody could do what the file forbids, or what should be secret would be in
       the clear. */
    CONFIG_REFUSED("media_encryption", "no", "SRTP is not supported: media would be in the clear"),
    CONFIG_REFUSED("media_encryption_optimistic", "no",
                   "SRTP is not supported: media would be in the clear"),
    CONFIG_REFUSED("security_negotiation", "no",
                   "SRTP is not supported: media would be in the clear"),
    CONFIG_REFUSED("webrtc", "no", "SRTP is not supported: media would be in the clear"),
    CONFIG_REFUSED("stir_shaken", "no",
                   "identities are not verified: every number would be believed"),
    CONFIG_REFUSED("stir_shaken_profile", NULL,
                   "identities are not verified: every number would be believed"),

    CONFIG_LATER("accept_multiple_sdp_answers", "no",
                 "Each fork of a call has an early dialog of its own, with its own SDP."),
    CONFIG_LATER("aggregate_mwi", "yes", "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER_HERE("allow_subscribe", "yes", no,
                      "There are no subscriptions (RFC 6665) but the one that REFER makes."),
    CONFIG_LATER("asymmetric_rtp_codec", "no",
                 "What is sent is of the codec that was agreed on, whatever comes."),
    CONFIG_LATER("bundle", "no", "Every stream has ports of its own."),
    CONFIG_LATER("call_group", NULL, "There is no call pickup."),
    CONFIG_LATER("codec_prefs_incoming_answer", NULL, RESERVED),
    CONFIG_LATER("codec_prefs_incoming_offer", NULL, RESERVED),
    CONFIG_LATER("codec_prefs_outgoing_answer", NULL, RESERVED),
    CONFIG_LATER("codec_prefs_outgoing_offer", NULL, RESERVED),
    CONFIG_LATER("cos_video", "0", "There is no video: its streams are refused."),
    CONFIG_LATER("device_state_busy_at", "0", "There are no states of devices."),
    CONFIG_LATER_HERE("direct_media", "yes", no,
                      "Media always goes through here."), /* media always passes through here */
    CONFIG_LATER("direct_media_glare_mitigation", "none", "Media always goes through here."),
    CONFIG_LATER("direct_media_method", "invite", "Media always goes through here."),
    CONFIG_LATER_HERE("disable_direct_media_on_nat", "no", yes, "Media always goes through here."),
    CONFIG_LATER("dtls_auto_generate_cert", "no", "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_ca_file", NULL, "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_ca_path", NULL, "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_cert_file", NULL, "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_cipher", NULL, "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_fingerprint", NULL, "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_private_key", NULL, "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_rekey", "0", "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_setup", NULL, "There is no DTLS-SRTP."),
    CONFIG_LATER("dtls_verify", "no", "There is no DTLS-SRTP."),
    CONFIG_LATER("fax_detect", "no", "There is no fax."),
    CONFIG_LATER("fax_detect_timeout", "0", "There is no fax."),
    CONFIG_LATER("follow_early_media_fork", "yes",
                 "Each fork of a call has an early dialog of its own, with its own SDP."),
    CONFIG_LATER("force_avp", "no", "There is only `RTP/AVP`."),
    CONFIG_LATER("g726_non_standard", "no", "There is no G.726."),
    CONFIG_LATER("geoloc_incoming_call_profile", NULL,
                 "Locations (RFC 6442) are neither read nor sent."),
    CONFIG_LATER("geoloc_outgoing_call_profile", NULL,
                 "Locations (RFC 6442) are neither read nor sent."),
    CONFIG_LATER("ice_support", "no", "There is no ICE; `rtp_symmetric` helps through most NATs."),
    CONFIG_LATER_HERE("ignore_183_without_sdp", "no", yes, "A 183 without SDP changes nothing."),
    CONFIG_LATER("incoming_mwi_mailbox", NULL,
                 "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("mailboxes", NULL, "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("max_video_streams", "1", "There is no video: its streams are refused."),
    CONFIG_LATER("media_use_received_transport", "no", "There is one profile, `RTP/AVP`."),
    CONFIG_LATER("moh_passthrough", "no", "There is no music on hold."),
    CONFIG_LATER("moh_suggest", "default", "There is no music on hold."),
    CONFIG_LATER("mwi_from_user", NULL, "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("mwi_subscribe_replaces_unsolicited", "no",
                 "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("named_call_group", NULL, "There is no call pickup."),
    CONFIG_LATER("named_pickup_group", NULL, "There is no call pickup."),
    CONFIG_LATER("notify_early_inuse_ringing", "no",
                 "There are no subscriptions (RFC 6665) but the one that REFER makes."),
    CONFIG_LATER("one_touch_recording", "no", "There is no recording."),
    CONFIG_LATER("pickup_group", NULL, "There is no call pickup."),
    CONFIG_LATER("record_off_feature", "automixmon", "There is no recording."),
    CONFIG_LATER("record_on_feature", "automixmon", "There is no recording."),
    CONFIG_LATER("rpid_immediate", "no",
                 "Whom a call is connected with is told when it is answered."),
    CONFIG_LATER("rtcp_mux", "no", "Every stream has ports of its own."),
    CONFIG_LATER("rtp_engine", "asterisk", "There is one engine of RTP."),
    CONFIG_LATER("security_mechanisms", NULL,
                 "There is no agreement on security mechanisms (RFC 3329)."),
    CONFIG_LATER("send_aoc", "no", "There is no advice of charge."),
    CONFIG_LATER("srtp_tag_32", "no", "There is no SRTP."),
    CONFIG_LATER("sub_min_expiry", "60",
                 "There are no subscriptions (RFC 6665) but the one that REFER makes."),
    CONFIG_LATER("subscribe_context", NULL,
                 "There are no subscriptions (RFC 6665) but the one that REFER makes."),
    CONFIG_LATER("suppress_moh_on_sendonly", "no", "There is no music on hold."),
    CONFIG_LATER("t38_bind_udptl_to_media_address", "no", "There is no fax."),
    CONFIG_LATER("t38_udptl", "no", "There is no fax."),
    CONFIG_LATER("t38_udptl_ec", "none", "There is no fax."),
    CONFIG_LATER("t38_udptl_ipv6", "no", "There is no fax."),
    CONFIG_LATER("t38_udptl_maxdatagram", "0", "There is no fax."),
    CONFIG_LATER("t38_udptl_nat", "no", "There is no fax."),
    CONFIG_LATER("tos_video", "0", "There is no video: its streams are refused."),
    CONFIG_LATER("use_avpf", "no", "There is only `RTP/AVP`."),
    CONFIG_LATER("voicemail_extension", NULL, "There is no message waiting indication (RFC 3842)."),
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "endpoint",
    .help = "Somebody to talk with, and how.",
    .options = options,
    .object_size = sizeof(struct ast_sip_endpoint),
};

/* ---- objects ---- */

/* A stream has a pair of ports, of which the first is even. */
static void check_ports(struct config_reader *reader, const struct config_section *section,
                        const struct ast_sip_endpoint *endpoint)
{
    unsigned first = endpoint->rtp_port_start + endpoint->rtp_port_start % 2;
    const struct config_line *line = config_section_get(section, "rtp_port_end");

    if (endpoint->rtp_port_start < 1024 || endpoint->rtp_port_end < first + 1) {
        line = line ? line : config_section_get(section, "rtp_port_start");
        config_error(
            reader->report, line->file, line->line,
            "ports %u to %u hold no pair for RTP and RTCP, expected both options, from 1024 on",
            endpoint->rtp_port_start, endpoint->rtp_port_end);
    }
}

/* What concerns several options at once. */
static void finish(struct config_reader *reader, const struct config_section *section,
                   struct ast_sip_endpoint *endpoint)
{
    const struct config_line *line = config_section_get(section, "timers_sess_expires");

    if (config_section_get(section, "callerid") &&
        !config_section_get(section, "callerid_privacy")) {
        endpoint->callerid.presentation = AST_PARTY_ALLOWED;
    }
    if (endpoint->timers_sess_expires < endpoint->timers_min_se) { /* RFC 4028 4 */
        line = line ? line : config_section_get(section, "timers_min_se");
        config_error(
            reader->report, line->file, line->line,
            "timers_sess_expires (%u) is less than timers_min_se (%u), expected at least as much",
            endpoint->timers_sess_expires, endpoint->timers_min_se);
    }
    if (endpoint->rtp_port_start || endpoint->rtp_port_end) {
        check_ports(reader, section, endpoint);
    }
    if (endpoint->codecs.count == 0) {
        config_warning(
            reader->report, section->file, section->line,
            "endpoint '%s' has no codec: its calls are refused with 488, expected e.g. allow = ulaw,alaw",
            section->name);
    }
}

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct sip_endpoint_entry *entry = calloc(1, sizeof(*entry));
    struct ast_sip_endpoint *endpoint = entry ? ast_sip_endpoint_create(section->name) : NULL;

    if (!endpoint || base_options_init(&table, endpoint) != 0) {
        config_error(reader->report, section->file, section->line, "out of memory");
        ast_sip_endpoint_unref(endpoint);
        free(entry);
        return;
    }
    config_set_options(reader->report, &table, section, endpoint);
    finish(reader, section, endpoint);
    entry->endpoint = endpoint;
    *reader->endpoints_end = entry;
    reader->endpoints_end = &entry->next;
}

static void check_context(struct config_reader *reader, const struct config_section *section)
{
    const struct config_line *line = config_section_get(section, "context");
    const char *context = line ? line->value : base_options_find(&table, "context")->fallback;

    if (reader->pbx && !pbx_find_context(reader->pbx, context)) {
        config_warning(reader->report, line ? line->file : section->file,
                       line ? line->line : section->line,
                       "extensions.conf has no context '%s'%s: calls of '%s' are refused with 404",
                       context, line ? "" : ", the default of the option context", section->name);
    }
}

/* What was made of a section; NULL: nothing. Sections are checked in the order in which they were
 * made: mostly it is the next one. */
static struct sip_endpoint_entry *find_entry(const struct config_reader *reader, const char *name)
{
    struct sip_endpoint_entry *entry =
        reader->checked ? reader->checked->next : reader->sip->endpoints;

    if (entry && strcmp(entry->endpoint->name, name) == 0) {
        return entry;
    }
    entry = reader->sip->endpoints;
    while (entry && strcmp(entry->endpoint->name, name) != 0) {
        entry = entry->next;
    }
    return entry;
}

static void check_access(struct config_reader *reader, const struct config_section *section)
{
    const struct config_line *outbound = config_section_get(section, "outbound_auth");
    const struct config_line *inbound = config_section_get(section, "auth");
    struct sip_endpoint_entry *entry = find_entry(reader, section->name);

    if (!entry) {
        return;
    }
    reader->checked = entry;
    if (outbound) {
        config_take_credentials(reader, outbound, entry->endpoint);
    }
    if (inbound) {
        config_take_auths(reader, inbound, entry->endpoint);
    }
    config_take_acls(reader, section, "acl", &entry->endpoint->acl);
    config_take_acls(reader, section, "contact_acl", &entry->endpoint->contact_acl);
}

static void check(struct config_reader *reader, const struct config_section *section)
{
    const struct config_line *line = config_section_get(section, "transport");

    if (line && *line->value && !config_find_object(reader, line->value, &config_type_transport)) {
        config_error(reader->report, line->file, line->line,
                     "there is no transport '%s', expected the name of a section of type=transport",
                     line->value);
    }
    config_check_aors(reader, section);
    check_context(reader, section);
    check_access(reader, section);
}

const struct config_type config_type_endpoint = {.table = &table, .add = add, .check = check};
