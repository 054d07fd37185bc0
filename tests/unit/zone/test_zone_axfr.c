/* A zone as the messages of a transfer: every record once between two SOAs, whatever the sizes. */
#include "zone/zone_axfr.h"

#include "fixture.h"

static struct query q;
static struct reply reply;

struct received {
    char **lines;
    size_t count;
    unsigned messages;
    size_t longest;
};

static void receive(struct received *t)
{
    static uint8_t rdata[RDATA_MAX];
    struct bytes line;
    bytes_init(&line, 1 << 20);
    reply_finish(&reply, REPLY_CAP);
    CU_ASSERT_FALSE(reply.flags & FLAG_TC);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], reply.nrecords);
    for (unsigned i = 0; i < reply.nrecords; i++) {
        uint8_t owner[NAME_MAX_LEN];
        uint16_t rdlen = reply_rdlen(&reply, i), type = reply.rr[i].type;
        reply_owner(&reply, i, owner);
        int len = rdata_unpack(reply.wire, reply.len, reply.rr[i].rdata, rdlen, type, rdata);
        CU_ASSERT_TRUE_FATAL(len >= 0);
        struct rr rr = {.owner = owner,
                        .type = type,
                        .class = CLASS_IN,
                        .ttl = reply_ttl(&reply, i),
                        .rdlen = (uint16_t)len,
                        .rdata = rdata};
        bytes_reset(&line);
        CU_ASSERT_EQUAL(rr_to_text(&rr, &line), ERR_OK);
        t->lines = realloc(t->lines, (t->count + 1) * sizeof *t->lines);
        t->lines[t->count++] = strdup(line.data);
    }
    bytes_free(&line);
    t->messages++;
    t->longest = reply.len > t->longest ? reply.len : t->longest;
}

/* Transfers the zone and compares with it; what is left of `t` is its numbers. */
static struct received transfer(const struct zone *z)
{
    struct received t = {0};
    struct zone_axfr a;
    int ret;
    query_make(&q, name_of("cluster.local."), RR_AXFR);
    zone_axfr_begin(&a, zone_current(z));
    do {
        reply_begin(&reply, &q);
        ret = zone_axfr_fill(&a, &reply);
        CU_ASSERT_TRUE(ret >= 0);
        CU_ASSERT_TRUE(reply.nrecords > 0);
        receive(&t);
    } while (ret == 1);
    CU_ASSERT_EQUAL(ret, 0);
    CU_ASSERT_EQUAL(a.sent, t.count);
    CU_ASSERT_EQUAL_FATAL(t.count, zone_record_count(zone_current(z)) + 1);
    CU_ASSERT_STRING_EQUAL(t.lines[0], t.lines[t.count - 1]);
    CU_ASSERT_PTR_NOT_NULL(strstr(t.lines[0], "\tSOA\t"));
    struct bytes text;
    bytes_init(&text, 256 << 20);
    qsort(t.lines + 1, t.count - 1, sizeof *t.lines, compare_lines);
    for (size_t i = 0; i < t.count; i++) {
        if (i > 0)
            bytes_printf(&text, "%s\n", t.lines[i]);
        free(t.lines[i]);
    }
    free(t.lines);
    char *whole = dump_of(z);
    CU_ASSERT_STRING_EQUAL(text.data, whole);
    free(whole);
    bytes_free(&text);
    return t;
}

static void a_small_zone_is_one_message(void)
{
    struct zone *z = zone_of((const char *const[]){"web.svc.cluster.local. 30 IN A 10.96.1.1",
                                                   "web.svc.cluster.local. 30 IN A 10.96.1.2",
                                                   "a.svc.cluster.local. 0 IN CNAME Web.svc.cluster.local.",
                                                   "ns1.svc.cluster.local. 30 IN TYPE65280 \\# 0",
                                                   "_http._tcp.web.svc.cluster.local. 30 IN SRV 0 50 80 "
                                                   "web.svc.cluster.local.",
                                                   NULL});
    CU_ASSERT_EQUAL(transfer(z).messages, 1);
    zone_free(z);
    z = zone_of(NULL);
    CU_ASSERT_EQUAL(transfer(z).messages, 1);
    zone_free(z);
}

static void a_large_zone_is_messages_of_a_good_size(void)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    char line[200];
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(line, sizeof line, "pod-%u.web-%u.ns-%u.svc.cluster.local. 5 IN A 10.%u.%u.%u", i / 2,
                 i / 40, i % 7, i >> 16, i >> 8 & 255, i & 255);
        CU_ASSERT_EQUAL(zone_add(t, record_of(line)), ERR_OK);
    }
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    struct received seen = transfer(z);
    CU_ASSERT_TRUE(seen.longest < TRANSFER_MESSAGE_LEN + 300);
    CU_ASSERT_TRUE(seen.messages > 10 && seen.messages < 60);
    zone_free(z);
}

/* `len` octets of text as the rdata of a private type. */
static int add_large(struct zone_txn *t, const char *owner, uint16_t len, uint8_t fill)
{
    static uint8_t rdata[RDATA_MAX];
    memset(rdata, fill, sizeof rdata);
    struct rr rr = {
        .owner = name_of(owner), .type = 65400, .class = CLASS_IN, .ttl = 5, .rdlen = len, .rdata = rdata};
    return zone_add(t, &rr);
}

static void large_records_go_alone_and_impossible_ones_are_an_error(void)
{
    static const uint16_t sizes[] = {100, 16000, 16384, 40000, 64000, 30000};
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        CU_ASSERT_EQUAL(add_large(t, "x.svc.cluster.local.", sizes[i], (uint8_t)i), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    transfer(z);

    t = zone_begin(z);
    CU_ASSERT_EQUAL(add_large(t, "y.svc.cluster.local.", RDATA_MAX, 'y'), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    struct zone_axfr a;
    int ret = 1;
    zone_axfr_begin(&a, zone_current(z));
    for (unsigned i = 0; i < 20 && ret == 1; i++) {
        reply_begin(&reply, &q);
        ret = zone_axfr_fill(&a, &reply);
    }
    CU_ASSERT_EQUAL(ret, ERR_SPACE);
    zone_free(z);
}

/* A record that leaves no room for OPT is not lost in silence: the transfer breaks off instead. */
static void a_record_is_never_left_out_for_opt(void)
{
    bool fitted = false;
    for (uint16_t len = 65300; len < 65500; len++) {
        struct zone *z = zone_of(NULL);
        struct zone_txn *t = zone_begin(z);
        CU_ASSERT_EQUAL(add_large(t, "x.svc.cluster.local.", len, 'x'), ERR_OK);
        CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
        query_make(&q, name_of("cluster.local."), RR_AXFR);
        q.has_edns = true;
        struct zone_axfr a;
        unsigned records = 0;
        int ret = 1;
        zone_axfr_begin(&a, zone_current(z));
        while (ret == 1) {
            reply_begin(&reply, &q);
            ret = zone_axfr_fill(&a, &reply);
            reply_finish(&reply, REPLY_CAP);
            records += reply.nrecords;
        }
        fitted = fitted || ret == 0;
        CU_ASSERT(ret == ERR_SPACE || (ret == 0 && records == zone_record_count(zone_current(z)) + 1));
        zone_free(z);
    }
    CU_ASSERT_TRUE(fitted);
}

static void the_soa_has_the_serial_that_is_asked_for(void)
{
    struct zone *z = zone_of(NULL);
    struct rr soa;
    uint8_t rdata[SOA_RDATA_MAX];
    struct bytes line;
    bytes_init(&line, 1 << 20);
    zone_soa_at(zone_current(z), 4294967295u, &soa, rdata);
    CU_ASSERT_EQUAL(rr_to_text(&soa, &line), ERR_OK);
    CU_ASSERT_STRING_EQUAL(line.data, "cluster.local.\t30\tIN\tSOA\tns.dns.cluster.local. "
                                      "hostmaster.cluster.local. 4294967295 7200 1800 86400 30");
    bytes_free(&line);
    zone_free(z);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a small zone is one message", a_small_zone_is_one_message},
        {"a large zone is messages of a good size", a_large_zone_is_messages_of_a_good_size},
        {"large records go alone, and impossible ones are an error",
         large_records_go_alone_and_impossible_ones_are_an_error},
        {"a record is never left out for OPT", a_record_is_never_left_out_for_opt},
        {"the SOA has the serial that is asked for", the_soa_has_the_serial_that_is_asked_for},
    };
    return run_suite("zone/axfr", tests, sizeof tests / sizeof tests[0]);
}
