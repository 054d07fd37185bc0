/*
 * The direct exchanges: a question goes out as it is, and the answer is passed on as it comes, with its
 * rcode, TC, AD and EDNS options. One kind for each transport:
 *
 *     exchange_udp      a pool of connected sockets, many questions on each
 *     exchange_stream   connections that are kept, many questions on each, answered in any order (RFC 7766);
 *                       plain or inside TLS
 *     exchange_doh      the same as requests of HTTP/2 (RFC 8484)
 *
 * A truncated answer is an answer: whoever gets it asks again over TCP. So is an upstream's SERVFAIL. A
 * message that does not fit what was asked is passed over.
 */
#ifndef SEAMARK_EXCHANGE_DIRECT_H
#define SEAMARK_EXCHANGE_DIRECT_H

#include "exchange/exchange.h"

/* Questions that one exchange has under way; ERR_LIMIT beyond it. As many as the whole process may have to
 * upstreams (upstream_set.h), some 700 octets each. */
#define EXCHANGE_DIRECT_CALLS_MAX 4096

extern const struct exchange_kind exchange_udp;
extern const struct exchange_kind exchange_stream;
extern const struct exchange_kind exchange_doh;

/* The kind for the target's transport. */
static inline const struct exchange_kind *exchange_direct(const struct exchange_target *target)
{
    if (target->transport.protocol == PROTOCOL_HTTPS)
        return &exchange_doh;
    return target->tcp ? &exchange_stream : &exchange_udp;
}

#endif
