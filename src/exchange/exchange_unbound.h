/*
 * The exchange over libunbound's event API: one libunbound context for each upstream, transport and worker,
 * on the worker's own event loop. exchange_unbound.c is the only file that knows libunbound.
 *
 * What is the library's here: sockets and their random ports and ids, matching answers, sending again over
 * UDP with a measured timeout, the change to TCP when an answer is truncated, reused TCP connections, EDNS.
 * What is not: choice of the upstream, deadlines, health, caching (forward-no-cache), DNSSEC validation,
 * local zones (all of them are switched off).
 *
 * What it cannot give (docs/forwarding.md says what follows for users):
 *   - An upstream's SERVFAIL, REFUSED, FORMERR, NOTIMP is asked for again and then EXCHANGE_FAILED, like
 * silence.
 *   - Questions go out with RD=1, CD=0, DO=1; AD, EDNS options and extended errors of the answer are lost.
 *   - A CNAME's target is asked for by the library itself, even where the upstream's answer holds it already.
 *   - Only class IN, and no meta types: exchange_ask() gives ERR_UNSUPPORTED for them.
 */
#ifndef SEAMARK_EXCHANGE_UNBOUND_H
#define SEAMARK_EXCHANGE_UNBOUND_H

#include "exchange/exchange.h"

extern const struct exchange_kind exchange_unbound;

#endif
