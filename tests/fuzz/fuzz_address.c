/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A header's value from the network, given to the parser of addresses: what it finds lies within
 * the text, and an identity that was read and written is read again as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/address.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void require_inside(const pj_str_t *part, const char *text, size_t size)
{
    require(part->slen >= 0);
    require(part->slen == 0 || (part->ptr >= text && part->ptr + part->slen <= text + size));
}

static void check_party(const struct ast_sip_address *address)
{
    struct ast_sip_address again;
    struct ast_party_id id, back;
    char text[AST_SIP_ADDRESS_SIZE];
    pj_str_t rest;

    if (ast_sip_address_party(address, &id) != 0) {
        return;
    }
    require(strlen(id.name) < sizeof(id.name) && strlen(id.number) < sizeof(id.number));
    rest.ptr = text;
    rest.slen = ast_sip_address_print(&id, "example.invalid", text, sizeof(text));
    require(rest.slen > 0 && (size_t)rest.slen < sizeof(text));
    require(ast_sip_address_next(&rest, &again) == 1 && rest.slen == 0);
    require(ast_sip_address_party(&again, &back) == 0);
    require(strcmp(id.name, back.name) == 0 && strcmp(id.number, back.number) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"reason", "counter", "privacy", "index", "mp", ""};
    char *text = malloc(size);
    struct ast_sip_address address;
    pj_str_t rest = {text, (pj_ssize_t)size};
    unsigned steps = 0;
    int result;

    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    while ((result = ast_sip_address_next(&rest, &address)) != 0) {
        require_inside(&rest, text, size);
        require(++steps <= size);
        if (result != 1) {
            continue;
        }
        require_inside(&address.display, text, size);
        require_inside(&address.uri, text, size);
        require_inside(&address.params, text, size);
        for (unsigned i = 0; i < PJ_ARRAY_SIZE(names); ++i) {
            pj_str_t value;

            if (ast_sip_address_param(&address.params, names[i], &value)) {
                require_inside(&value, text, size);
            }
        }
        check_party(&address);
    }
    free(text);
    return 0;
}
