/*
 * whoami: answers every question with who asked: the client's address as A or AAAA, and its port and protocol
 * as
 * `_udp.NAME SRV 0 0 PORT .`, both in the additional section with TTL 0.
 *
 *     whoami
 */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "serve/plugin.h"

static int whoami_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                        struct errtext *e)
{
    (void)s;
    *state = NULL;
    if (d->has_body)
        return args_error(e, "whoami", d, "expected no block");
    return args_count(e, "whoami", d, 0, 0);
}

static void add_address(struct request *r)
{
    struct rr rr = {.owner = r->q.qname, .class = r->q.qclass, .type = RR_A, .rdlen = 4};
    if (r->client.sa.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&r->client.in6.sin6_addr)) {
        rr.type = RR_AAAA;
        rr.rdlen = 16;
        rr.rdata = r->client.in6.sin6_addr.s6_addr;
    } else if (r->client.sa.sa_family == AF_INET6) {
        rr.rdata = r->client.in6.sin6_addr.s6_addr + 12;
    } else {
        rr.rdata = (const uint8_t *)&r->client.in.sin_addr;
    }
    reply_add(r->reply, SECTION_ADDITIONAL, &rr);
}

/* Left out where the name has no room for one more label. */
static void add_port(struct request *r)
{
    static const uint8_t udp[] = {4, '_', 'u', 'd', 'p'}, tcp[] = {4, '_', 't', 'c', 'p'};
    uint8_t owner[sizeof udp + NAME_MAX_LEN];
    if (r->q.qname_len > NAME_MAX_LEN - sizeof udp)
        return;
    memcpy(owner, r->transport == TRANSPORT_TCP ? tcp : udp, sizeof udp);
    memcpy(owner + sizeof udp, r->q.qname, r->q.qname_len);
    uint8_t rdata[7] = {0}; /* priority, weight, port, the root as target */
    wire_put_u16(rdata + 4, address_port(&r->client));
    struct rr rr = {
        .owner = owner, .class = r->q.qclass, .type = RR_SRV, .rdlen = sizeof rdata, .rdata = rdata};
    reply_add(r->reply, SECTION_ADDITIONAL, &rr);
}

static enum verdict whoami_query(void *state, struct request *r)
{
    (void)state;
    r->reply->flags |= FLAG_AA;
    r->personal = true;
    add_address(r);
    add_port(r);
    return VERDICT_ANSWERED;
}

const struct plugin plugin_whoami = {
    .name = "whoami",
    .setup = whoami_setup,
    .query = whoami_query,
};
