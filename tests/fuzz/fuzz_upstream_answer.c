/* A message from an upstream becomes a reply and is classified: no byte of it may do more than be refused. */
#include <stdlib.h>

/* The fuzzing library has no server sources; these two need none of the others. */
#include "../../src/cache/answer_class.c"
#include "../../src/upstream/upstream_answer.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t name[] = "\3www\7example\3org";
    static struct reply r;
    struct query q;
    struct answer_facts facts;
    query_make(&q, name, RR_A);
    q.dnssec_ok = len % 2 == 0;
    reply_begin(&r, &q);
    if (upstream_answer_fill(&r, data, len) == ERR_OK) {
        answer_classify(&r, 1700000000, &facts);
        if (facts.keepable && r.len > REPLY_CAP)
            abort();
    }
    reply_finish(&r, 512);
    union address found[4];
    if (len >= DNS_HEADER_LEN &&
        (upstream_answer_rcode(data, len) > 0xfff ||
         upstream_answer_addresses(data, len, len % 2 == 0 ? RR_A : RR_AAAA, found, 4) > 4))
        abort();
    return 0;
}
