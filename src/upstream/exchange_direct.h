/*
 * The exchange that sends a question as it is and gives the answer as it comes: for questions with EDNS
 * options, which libunbound cannot send for one question alone. A socket for each question, connected to the
 * upstream, so that the kernel chooses a random port and drops what comes from elsewhere; a random id; the
 * question echoed in the answer is compared (RFC 5452 section 9). What does not fit the question is passed
 * over in silence.
 *
 * Nothing is sent twice and TC is not followed: the answer is the upstream's own, as it is in CoreDNS, and
 * whoever gets a truncated one asks again over TCP. An upstream's SERVFAIL is an answer too. Ordinary
 * questions of class IN alone, as over libunbound.
 */
#ifndef SEAMARK_UPSTREAM_EXCHANGE_DIRECT_H
#define SEAMARK_UPSTREAM_EXCHANGE_DIRECT_H

#include "upstream/exchange.h"

/* Questions that one exchange has under way; ERR_LIMIT beyond it. A descriptor each. */
#define EXCHANGE_DIRECT_CALLS_MAX 1024

extern const struct exchange_kind exchange_direct;

#endif
