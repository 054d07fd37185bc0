/* An upstream's message made the reply to one client's question. Any thread. */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_ANSWER_H
#define SEAMARK_UPSTREAM_UPSTREAM_ANSWER_H

#include "dns/reply.h"
#include "exchange/exchange.h"
#include "serve/request.h"

/*
 * Fills `r`, begun for its query, from a message. Taken over: the whole rcode, AA, TC, RA, AD, and the
 * records in their order. Ours: id, RD, CD, the question with the client's case, OPT. For a query without DO
 * the records of DNSSEC that it did not ask for are left out (RFC 4035 section 3.2.1): libunbound always asks
 * with DO. ERR_MISMATCH where it is no response or has another question, ERR_MALFORMED where it cannot be
 * read; `r` is as before then.
 */
int upstream_answer_fill(struct reply *r, const uint8_t *message, size_t len);

/* The same of an answer that many may have waited for: from the third on who asked with the same letters it
 * is copied from what became of it before, and not read again. */
int upstream_answer_share(struct reply *r, const struct exchange_answer *answer);

/* The OPT record of a message (RFC 6891): nothing where it has none, or cannot be read. */
struct upstream_opt {
    uint8_t rcode; /* the upper eight bits of the rcode */
    uint16_t options_len;
    const uint8_t *options; /* in the message */
};
void upstream_answer_opt(const uint8_t *message, size_t len, struct upstream_opt *out);
/* Its rcode, the upper bits from OPT included (RFC 6891 section 6.1.3). 12 octets at least. */
unsigned upstream_answer_rcode(const uint8_t *message, size_t len);

/* Whether it is a response with the question of `q`. */
bool upstream_answer_is_to(const struct query *q, const uint8_t *message, size_t len);

/* The addresses of that type (A or AAAA) in its answer section, at most `max`, with port 0; returns their
 * number. Owners do not matter: the question's name may be an alias. What cannot be read ends them. */
unsigned upstream_answer_addresses(const uint8_t *message, size_t len, uint16_t type, union address *out,
                                   unsigned max);

#endif
