#include "rewrite/rewrite_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "serve/metadata.h"

#define OPTION_HEAD 4    /* octets of code and length */
#define SUBNET_HEAD 4    /* RFC 7871 section 6: family, source and scope prefix lengths */
#define VALUE_MAX   1040 /* the longest variable: a name, or a label's value */

_Static_assert(VALUE_MAX >= NAME_MAX_TEXT && VALUE_MAX >= METADATA_VALUE_MAX, "variables fit");

/* ---- a run of options ---- */

/* The first option with that code: its offset, or -1. */
static ssize_t find(const struct bytes *o, uint16_t code)
{
    size_t at = 0;
    while (o->len - at >= OPTION_HEAD) {
        const uint8_t *option = (const uint8_t *)o->data + at;
        if (wire_u16(option) == code)
            return (ssize_t)at;
        size_t len = OPTION_HEAD + (size_t)wire_u16(option + 2);
        if (len > o->len - at)
            break;
        at += len;
    }
    return -1;
}

static size_t size_at(const struct bytes *o, ssize_t at)
{
    return OPTION_HEAD + (size_t)wire_u16((const uint8_t *)o->data + at + 2);
}

static bool append(struct bytes *o, uint16_t code, const void *data, size_t len)
{
    uint8_t head[OPTION_HEAD];
    if (o->len + OPTION_HEAD + len > o->max)
        return false;
    wire_put_u16(head, code);
    wire_put_u16(head + 2, (uint16_t)len);
    bytes_append(o, head, sizeof head);
    return bytes_append(o, data, len) == ERR_OK;
}

static void cut(struct bytes *o, ssize_t at)
{
    size_t size = size_at(o, at);
    memmove(o->data + at, o->data + at + size, o->len - (size_t)at - size);
    o->len -= size;
}

/* Another content in the same place. */
static bool put(struct bytes *o, ssize_t at, const void *data, size_t len)
{
    size_t old = size_at(o, at) - OPTION_HEAD, behind = (size_t)at + OPTION_HEAD + old;
    if (o->len - old + len > o->max || (len > old && bytes_reserve(o, len - old) == NULL))
        return false;
    memmove(o->data + (size_t)at + OPTION_HEAD + len, o->data + behind, o->len - behind);
    if (len > 0)
        memcpy(o->data + at + OPTION_HEAD, data, len);
    wire_put_u16((uint8_t *)o->data + at + 2, (uint16_t)len);
    o->len = o->len - old + len;
    return true;
}

/* ---- the content ---- */

/* The octets of an address: 4 or 16. */
static size_t address_octets(const union address *a, const uint8_t **out)
{
    if (a->sa.sa_family == AF_INET) {
        *out = (const uint8_t *)&a->in.sin_addr;
        return 4;
    }
    *out = a->in6.sin6_addr.s6_addr;
    if (!IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
        return 16;
    *out += 12;
    return 4;
}

static size_t copy_address(const union address *a, uint8_t *out)
{
    const uint8_t *octets;
    size_t len = address_octets(a, &octets);
    memcpy(out, octets, len);
    return len;
}

/* RFC 7871 section 6; octets beyond the prefix are left out and bits beyond it are 0. */
static size_t subnet_of(const struct rewrite_edns0 *rule, const union address *client, uint8_t *out)
{
    const uint8_t *octets;
    size_t len = address_octets(client, &octets);
    uint8_t bits = len == 4 ? rule->v4_bits : rule->v6_bits;
    size_t used = (bits + 7u) / 8;
    wire_put_u16(out, len == 4 ? 1 : 2);
    out[2] = bits;
    out[3] = 0;
    memcpy(out + SUBNET_HEAD, octets, used);
    if (bits % 8 != 0)
        out[SUBNET_HEAD + used - 1] &= (uint8_t)(0xff00 >> bits % 8);
    return SUBNET_HEAD + used;
}

/* Octets of the content in `out`, or -1: there is none, and the rule does nothing. */
static int variable_of(const struct rewrite_edns0 *rule, const struct request *r, uint8_t out[VALUE_MAX])
{
    int len;
    union address local;
    switch (rule->variable) {
    case EDNS0_QNAME:
        return (int)strlen(name_to_text(r->q.qname, (char *)out));
    case EDNS0_QTYPE:
        wire_put_u16(out, r->q.qtype);
        return 2;
    case EDNS0_CLIENT_IP:
        return (int)copy_address(&r->client, out);
    case EDNS0_SERVER_IP:
        local = request_local(r);
        return (int)copy_address(&local, out);
    case EDNS0_CLIENT_PORT:
        wire_put_u16(out, address_port(&r->client));
        return 2;
    case EDNS0_SERVER_PORT:
        local = request_local(r);
        wire_put_u16(out, address_port(&local));
        return 2;
    case EDNS0_PROTOCOL:
        memcpy(out, r->transport == TRANSPORT_TCP ? "tcp" : "udp", 3);
        return 3;
    default:
        len = metadata_value(r, (const char *)rule->data, (char *)out, VALUE_MAX);
        return len > 0 ? len : -1;
    }
}

bool rewrite_options_change(struct rewrite_work *w, const struct request *r, const struct rewrite_rule *rule,
                            struct rewrite_step *step)
{
    const struct rewrite_edns0 *o = &rule->edns0;
    uint8_t value[VALUE_MAX];
    const uint8_t *data = value;
    int len = 0;
    ssize_t at = find(&w->options, o->code);
    if (o->action == EDNS0_UNSET) {
        for (; at >= 0; at = find(&w->options, o->code))
            cut(&w->options, at);
        return true;
    }
    if (o->kind == EDNS0_SUBNET)
        len = (int)subnet_of(o, &r->client, value);
    else if (o->kind == EDNS0_LOCAL && o->variable != EDNS0_DATA)
        len = variable_of(o, r, value);
    else if (o->kind == EDNS0_LOCAL)
        data = o->data, len = (int)o->len;
    if (len < 0 || (at >= 0 ? o->action == EDNS0_APPEND : o->action == EDNS0_REPLACE))
        return false;
    step->added = at < 0;
    if (step->added)
        return append(&w->options, o->code, data, (size_t)len);
    if (o->revert) {
        step->kept_len = size_at(&w->options, at) - OPTION_HEAD;
        step->kept = malloc(step->kept_len + 1);
        if (step->kept == NULL)
            return false;
        memcpy(step->kept, w->options.data + at + OPTION_HEAD, step->kept_len);
    }
    return put(&w->options, at, data, (size_t)len);
}

/* ---- who gets which ---- */

static bool named(const struct rewrite_list *list, uint16_t code, bool local_only)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct rewrite_rule *rule = &list->rules[i];
        if (rule->field == REWRITE_EDNS0 && rule->edns0.code == code &&
            (!local_only || rule->edns0.kind == EDNS0_LOCAL))
            return true;
    }
    return false;
}

static void choose(const struct bytes *from, struct bytes *to, const struct rewrite_list *list,
                   bool local_only)
{
    size_t at = 0;
    while (from->len - at >= OPTION_HEAD) {
        size_t size = size_at(from, (ssize_t)at);
        if (size > from->len - at)
            break;
        if (named(list, wire_u16((const uint8_t *)from->data + at), local_only))
            bytes_append(to, from->data + at, size);
        at += size;
    }
}

void rewrite_options_for_upstream(struct rewrite_work *w, const struct rewrite_list *list)
{
    choose(&w->options, &w->upstream, list, false);
}

/* The last rule is undone first. */
static void revert(struct rewrite_work *w)
{
    for (size_t i = w->nsteps; i-- > 0;) {
        const struct rewrite_step *step = &w->steps[i];
        ssize_t at = step->rule->field == REWRITE_EDNS0 ? find(&w->options, step->rule->edns0.code) : -1;
        if (at >= 0 && step->added)
            cut(&w->options, at);
        else if (at >= 0)
            put(&w->options, at, step->kept, step->kept_len);
    }
}

void rewrite_options_for_client(struct rewrite_work *w, const struct rewrite_list *list)
{
    revert(w);
    choose(&w->options, &w->echoed, list, true);
}
