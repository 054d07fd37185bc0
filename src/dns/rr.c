#include "dns/rr.h"

#include <string.h>

int rr_compare(const struct rr *a, const struct rr *b)
{
    int diff = name_compare(a->owner, b->owner);
    if (diff != 0)
        return diff;
    if (a->type != b->type) {
        if (a->type == RR_SOA || b->type == RR_SOA)
            return a->type == RR_SOA ? -1 : 1;
        return a->type < b->type ? -1 : 1;
    }
    diff = memcmp(a->rdata, b->rdata, a->rdlen < b->rdlen ? a->rdlen : b->rdlen);
    return diff != 0 ? diff : (int)a->rdlen - (int)b->rdlen;
}
