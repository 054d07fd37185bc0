/*
 * What kind of answer a reply is, and how long it may be kept: CoreDNS's rules (its plugin/pkg/response and
 * plugin/cache), RFC 2308 for what is negative. Any thread.
 */
#ifndef SEAMARK_CACHE_ANSWER_CLASS_H
#define SEAMARK_CACHE_ANSWER_CLASS_H

#include "dns/reply.h"

enum answer_class {
    ANSWER_POSITIVE, /* NOERROR with records, or with nothing at all */
    ANSWER_NODATA,   /* NOERROR and a SOA, and no record that answers the question */
    ANSWER_NXDOMAIN,
    ANSWER_SERVER_ERROR, /* SERVFAIL, NOTIMP */
    ANSWER_DELEGATION,   /* NOERROR, no records but NS in the authority section */
    ANSWER_TRANSFER,     /* of AXFR, IXFR */
    ANSWER_OTHER,        /* all else: not to be kept */
};

struct answer_facts {
    enum answer_class class;
    bool answers;  /* ANSWER_POSITIVE with what was asked for (answer_answers()) */
    bool negative; /* NXDOMAIN, NODATA: the denial's TTL limits hold */
    bool keepable; /* may be kept at all; SERVER_ERROR too */
    uint32_t ttl; /* the least of all its records, negative ones also of the SOA's minimum; UINT32_MAX without
                   * records; ANSWER_TTL_DEFAULT for a class without data */
};

#define ANSWER_TTL_DEFAULT 5 /* CoreDNS's MinimalDefaultTTL */

/* `wall_s`: Unix time, against which signatures are checked where DO is set (expired ones are not kept). */
void answer_classify(const struct reply *r, uint64_t wall_s, struct answer_facts *out);

/* Whether the answer section has what was asked for: a record of the type at the end of the CNAME chain from
 * the question's name. */
bool answer_answers(const struct reply *r);

#endif
