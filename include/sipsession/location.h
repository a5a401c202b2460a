/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where endpoints can be reached: addresses of record (AORs) and their contacts, configured or
 * registered (RFC 3261 10). Modules fill this: `registrar` from REGISTER requests, `qualify` by
 * asking the contacts whether they are there.
 *
 * Threads: the SIP thread. What is borrowed is valid until the caller returns to the event loop.
 */
#ifndef SIPSESSION_LOCATION_H
#define SIPSESSION_LOCATION_H

#include <sipsession/res_sip.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief Whether a contact answers (`qualify_frequency`) */
enum ast_sip_contact_state {
    AST_SIP_CONTACT_UNKNOWN,   /*!< nobody asks it, or it has had no time to answer */
    AST_SIP_CONTACT_REACHABLE, /*!< it answered the last time */
    AST_SIP_CONTACT_UNREACHABLE
};

/*! \brief One address where somebody can be reached */
struct ast_sip_contact {
    struct ast_sip_contact *next;
    char *uri;              /*!< a SIP URI without brackets; never NULL */
    char *path;             /*!< Path (RFC 3327): routes, separated by commas; NULL: none */
    char *call_id;          /*!< of the REGISTER that made it; NULL for a configured one */
    char *branch;           /*!< of its topmost Via; likewise */
    char *instance;         /*!< +sip.instance (RFC 5626), without quotes; NULL: it has none */
    char *flow;             /*!< how it is reached, of ast_sip_flow_name; NULL: by its URI */
    char *user_agent;       /*!< who registered it; NULL: it did not say */
    unsigned reg_id;        /*!< which flow of the instance; 0: none */
    unsigned cseq;          /*!< of that REGISTER */
    int q;                  /*!< preference in thousandths; -1: it has none */
    long long expires;      /*!< seconds since 1970; 0: configured, it never expires */
    int state;              /*!< enum ast_sip_contact_state */
    unsigned round_trip_us; /*!< how long the last answer took; 0: there was none */
    char *transport; /*!< the one that it registered over, when that is symmetric; NULL: any */
};

/*! \brief A contact; the caller owns it. NULL: no memory. */
struct ast_sip_contact *ast_sip_contact_create(const char *uri);

/*! \brief A copy, alone; the caller owns it. NULL: no memory. */
struct ast_sip_contact *ast_sip_contact_copy(const struct ast_sip_contact *contact);

/*! \brief 1: they are the same flow of the same instance (RFC 5626 6); 0: not, or they have none */
int ast_sip_contact_same_flow(const struct ast_sip_contact *contact, const char *instance,
                              unsigned reg_id);

/*! \brief Frees a whole list; NULL is allowed */
void ast_sip_contacts_free(struct ast_sip_contact *contacts);

/*!
 * \brief An address of record, `type=aor`
 *
 * It does not change while anybody holds it. Each member is the option of the same name; strings
 * may be NULL unless said otherwise.
 */
struct ast_sip_aor {
    char *name; /*!< the section's name; never NULL */
    unsigned refs;
    unsigned max_contacts; /*!< 0: nobody can register */
    int remove_existing;
    int remove_unavailable;
    unsigned minimum_expiration; /*!< seconds */
    unsigned default_expiration;
    unsigned maximum_expiration;
    int support_path;
    unsigned qualify_frequency; /*!< seconds; 0: contacts are not asked */
    unsigned qualify_timeout;   /*!< ms */
    int qualify_2xx_only;
    struct ast_sip_contact *contacts; /*!< `contact`: those that are configured */
    int authenticate_qualify;
    char *outbound_proxy; /*!< of ast_sip_send_options, in place of the endpoint's */
};

/*!
 * \brief Make an AOR with every option at its default
 *
 * \return A new reference that the caller owns, or NULL when there is no memory
 */
struct ast_sip_aor *ast_sip_aor_create(const char *name);
/*! \brief One more reference; returns its argument */
struct ast_sip_aor *ast_sip_aor_ref(struct ast_sip_aor *aor);
/*! \brief One reference less; the last one frees. NULL is allowed. */
void ast_sip_aor_unref(struct ast_sip_aor *aor);
/*! \brief The configured AOR of a name (its case counts): a new reference, or NULL */
struct ast_sip_aor *ast_sip_get_aor(const char *name);
/*! \brief Calls see for each configured AOR, until it returns non-zero */
void ast_sip_each_aor(int (*see)(const struct ast_sip_aor *aor, void *data), void *data);
/*!
 * \brief The next name of an endpoint's `aors`
 *
 * \param[in,out] rest What is left of the list; begin with endpoint->aors (may be NULL)
 * \param[out] name Gets the name; untouched when there is none
 * \param size Of name
 * \retval 1 There was one
 * \retval 0 The list is at its end
 */
int ast_sip_next_aor_name(const char **rest, char *name, size_t size);
/*! \brief The first configured endpoint that has an AOR of this name: a new reference, or NULL */
struct ast_sip_endpoint *ast_sip_get_endpoint_of_aor(const char *aor);

/*!
 * \brief The contacts of an AOR: the configured ones, then the registered ones
 *
 * \return Borrowed; NULL: there are none. It may hold some that have expired:
 *         ast_sip_contact_expired.
 */
const struct ast_sip_contact *ast_sip_aor_contacts(const char *aor);
/*! \brief 1: the time of a contact is over */
int ast_sip_contact_expired(const struct ast_sip_contact *contact);
/*!
 * \brief 1: a request to it has a way: its flow is there, or it has none; 0: the connection that it
 * registered over is gone
 */
int ast_sip_contact_has_way(const struct ast_sip_contact *contact);
/*!
 * \brief Where an endpoint is called: the contact of the highest q among those of all its AORs that
 * have not expired, are not unreachable and of which the flow, if they have one, is there; of equal
 * ones the first
 *
 * \return Borrowed, or NULL: it cannot be reached
 */
const struct ast_sip_contact *ast_sip_endpoint_contact(const struct ast_sip_endpoint *endpoint);

/*!
 * \brief Replace the registered contacts of an AOR; the registrar's
 *
 * State and round trip of a contact whose URI and flow were there before are kept. Configured contacts stay.
 *
 * \param aor Its name; it need not be configured (any more)
 * \param contacts Taken, also on failure. NULL: none.
 * \retval 0 Success
 * \retval -1 No memory; nothing has changed
 */
int ast_sip_location_set(const char *aor, struct ast_sip_contact *contacts);
/*!
 * \brief The clock was set: registered contacts keep the time that they had left
 *
 * Their `expires` move along, but no contact stays longer than its AOR's maximum_expiration from
 * now: what was there before the clock was right may have any time. Nobody is told.
 *
 * \param seconds By how much it was set: more than 0 when it was set forward
 */
void ast_sip_location_shift(long long seconds);
/*! \brief Calls see for each contact of each AOR, until it returns non-zero; see changes nothing */
void ast_sip_each_contact(int (*see)(const char *aor, const struct ast_sip_contact *contact,
                                     void *data),
                          void *data);
/*!
 * \brief Say whether a contact answers; that of `qualify`
 *
 * \param round_trip_us How long it took; 0 when it did not
 */
void ast_sip_contact_set_state(const char *aor, const char *uri, enum ast_sip_contact_state state,
                               unsigned round_trip_us);

/*!
 * \brief The name of the flow that a request came over (RFC 5626 2): for ast_sip_contact.flow
 *
 * \param rdata The request
 * \param[out] name Gets it; one line
 * \param size Of name; 128 is enough for most
 * \param[out] timer Seconds after which the flow is closed when nothing comes over it; 0: never
 * \retval 0 Success
 * \retval -1 It has none any more, or its name does not fit; the output is untouched, or name only
 */
int ast_sip_flow_name(const pjsip_rx_data *rdata, char *name, size_t size, unsigned *timer);

/*!
 * \brief The transport that a contact which registers with a request shall be reached by
 *
 * \return The name of the section, when the request came by a transport with `symmetric_transport`;
 *         borrowed from the configuration. NULL: any.
 */
const char *ast_sip_symmetric_transport(const pjsip_rx_data *rdata);

/*! \brief What happens to a contact */
enum ast_sip_contact_event {
    AST_SIP_CONTACT_ADDED, /*!< also told again when its AOR gets a qualify_frequency by a reload */
    AST_SIP_CONTACT_REMOVED,
    AST_SIP_CONTACT_CHANGED, /*!< its state */
    AST_SIP_CONTACT_RENEWED  /*!< it was there, and has registered again */
};

/*! \brief Is told what happens to contacts */
struct ast_sip_contact_observer {
    struct ast_sip_contact_observer *next; /*!< the list's */
    /*! \brief contact is borrowed; nothing of this header that changes anything may be called */
    void (*event)(const char *aor, const struct ast_sip_contact *contact,
                  enum ast_sip_contact_event event);
};

/*! \brief Register an observer, which must stay until it is unregistered; it is told of all
 * contacts that are there as if they were added now */
void ast_sip_register_contact_observer(struct ast_sip_contact_observer *observer);
void ast_sip_unregister_contact_observer(struct ast_sip_contact_observer *observer);

/*!
 * \brief Make a request outside of any dialog, for ast_sip_send_request
 *
 * From, To, Contact, Call-ID and CSeq are there; To is the URI.
 *
 * \param method e.g. "OPTIONS"
 * \param endpoint Whom it goes to: from_user, from_domain, transport; may be NULL
 * \param uri Where it goes; NULL: to contact
 * \param contact A contact whose Path becomes its route, or whose flow it goes by; may be NULL
 * \param[out] tdata Gets the request
 * \retval 0 Success
 * \retval -1 Failure, logged
 */
int ast_sip_create_request(const char *method, const struct ast_sip_endpoint *endpoint,
                           const char *uri, const struct ast_sip_contact *contact,
                           pjsip_tx_data **tdata);

/*!
 * \brief Ask a contact by OPTIONS whether it is there
 *
 * By the AOR's outbound_proxy, else that of the first endpoint that has the AOR, whose transport,
 * from_user and from_domain it has. A challenge is answered when authenticate_qualify says so; else
 * it is an answer like others.
 *
 * \param aor The contact's
 * \param token, callback As for ast_sip_send_request
 * \retval 0 callback will be called
 * \retval -1 It will not; logged
 */
int ast_sip_send_options(const struct ast_sip_aor *aor, const struct ast_sip_contact *contact,
                         void *token, void (*callback)(void *token, pjsip_event *event));

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
