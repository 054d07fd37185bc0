#include "dns/notify.h"

#include <stdlib.h>

#include "../runner.h"
#include "base/err.h"
#include "message.h"

static uint8_t zone[NAME_MAX_LEN];
static struct message m;

static void is_soa(unsigned section, const struct rr *rr)
{
    CU_ASSERT_EQUAL(section, 1);
    CU_ASSERT_TRUE(name_equal(rr->owner, zone));
    CU_ASSERT_EQUAL(rr->type, RR_SOA);
    CU_ASSERT_EQUAL(rr->ttl, 30);
    CU_ASSERT_EQUAL(wire_u32(rr->rdata + rr->rdlen - 20), 4711);
}

static void a_notify_names_the_zone_and_tells_its_soa(void)
{
    static const char line[] = "cluster.local. 30 IN SOA ns.dns.cluster.local. h.cluster.local. 4711 1 2 3 4";
    static struct rr_storage storage;
    uint8_t out[NOTIFY_MAX];
    struct rr soa;
    struct message_seen seen;
    CU_ASSERT_EQUAL_FATAL(rr_from_text(line, sizeof line - 1, &storage, &soa), ERR_OK);
    name_from_text("cluster.local", 13, zone);
    size_t len = notify_write(0x1234, &soa, out, sizeof out);
    CU_ASSERT_TRUE_FATAL(len > 0);
    CU_ASSERT_TRUE(message_read(out, len, &seen, is_soa));
    CU_ASSERT_EQUAL(seen.id, 0x1234);
    CU_ASSERT_EQUAL(seen.flags, OPCODE_NOTIFY << 11 | FLAG_AA);
    CU_ASSERT_TRUE(name_equal(seen.qname, zone));
    CU_ASSERT_EQUAL(seen.qtype, RR_SOA);
    CU_ASSERT_EQUAL(seen.records, 1);
    for (size_t cap = 0; cap < len; cap++)
        CU_ASSERT_EQUAL(notify_write(0x1234, &soa, out, cap), 0);
}

static int read_answer(void)
{
    uint8_t *copy = malloc(m.len > 0 ? m.len : 1); /* so that AddressSanitizer sees a read beyond it */
    memcpy(copy, m.data, m.len);
    int ret = notify_read_answer(copy, m.len, 7, zone);
    free(copy);
    return ret;
}

static void answer_of(unsigned id, unsigned flags, unsigned questions, const char *name)
{
    message_header(&m, id, flags, questions, 0, 0, 0);
    if (questions > 0)
        message_question(&m, name, RR_SOA, CLASS_IN);
}

static void an_answer_says_its_rcode_and_any_other_message_nothing(void)
{
    const unsigned answer = FLAG_QR | OPCODE_NOTIFY << 11;
    name_from_text("cluster.local", 13, zone);
    answer_of(7, answer | FLAG_AA, 1, "Cluster.LOCAL");
    CU_ASSERT_EQUAL(read_answer(), RCODE_NOERROR);
    size_t whole = m.len;
    for (m.len = 0; m.len < whole - 4; m.len++)
        CU_ASSERT_EQUAL(read_answer(), ERR_MALFORMED);
    answer_of(7, answer | RCODE_NOTAUTH, 0, NULL);
    CU_ASSERT_EQUAL(read_answer(), RCODE_NOTAUTH);
    answer_of(8, answer, 1, "cluster.local");
    CU_ASSERT_EQUAL(read_answer(), ERR_MALFORMED);
    answer_of(7, OPCODE_NOTIFY << 11, 1, "cluster.local");
    CU_ASSERT_EQUAL(read_answer(), ERR_MALFORMED);
    answer_of(7, FLAG_QR, 1, "cluster.local");
    CU_ASSERT_EQUAL(read_answer(), ERR_MALFORMED);
    answer_of(7, answer, 1, "cluster.example");
    CU_ASSERT_EQUAL(read_answer(), ERR_MALFORMED);
    answer_of(7, answer, 2, "cluster.local");
    CU_ASSERT_EQUAL(read_answer(), ERR_MALFORMED);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a NOTIFY names the zone and tells its SOA", a_notify_names_the_zone_and_tells_its_soa},
        {"an answer says its rcode, and any other message nothing",
         an_answer_says_its_rcode_and_any_other_message_nothing},
    };
    return run_suite("notify", tests, sizeof tests / sizeof tests[0]);
}
