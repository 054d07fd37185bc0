#include "zone/zone_denial.h"

#include "base/cursor.h"
#include "fixture.h"

/* The denial of a zone with this SOA. The zone goes on living: the denial is its version's. */
static const struct zone_denial *denial_of(struct zone **z, const char *apex, const char *soa)
{
    *z = zone_new(name_of(apex));
    struct zone_txn *t = zone_begin(*z);
    CU_ASSERT_PTR_NULL(zone_denial_of(zone_current(*z)));
    CU_ASSERT_EQUAL(zone_add(t, record_of(soa)), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(zone_commit(t), ERR_OK);
    return zone_denial_of(zone_current(*z));
}

/* A message with a question for the apex and the record, read back. */
static void check(const char *apex, const char *soa, bool packed)
{
    struct zone *z;
    const struct zone_denial *d = denial_of(&z, apex, soa);
    uint8_t message[700] = {0}, rdata[600];
    size_t len = 12 + name_len(zone_apex(z));
    const uint8_t *record = packed ? d->octets + d->len : d->octets;
    size_t record_len = packed ? d->packed_len : d->len;
    memcpy(message + 12, zone_apex(z), len - 12);
    memcpy(message + len, record, record_len);
    for (unsigned i = 0; packed && i < d->npointers; i++)
        wire_put_u16(message + len + d->pointers[i], 0xc00c);
    CU_ASSERT_EQUAL(wire_u16(message + len), RR_SOA);
    CU_ASSERT_EQUAL(wire_u16(message + len + 2), CLASS_IN);
    CU_ASSERT_EQUAL(wire_u32(message + len + ZONE_DENIAL_TTL_AT), 30);
    CU_ASSERT_EQUAL(wire_u16(message + len + 8) + 10u, record_len);
    const struct rr *expected = record_of(soa);
    int got = rdata_unpack(message, len + record_len, len + 10, wire_u16(message + len + 8), RR_SOA, rdata);
    CU_ASSERT_EQUAL_FATAL(got, expected->rdlen);
    CU_ASSERT_EQUAL(memcmp(rdata, expected->rdata, expected->rdlen), 0);
    uint8_t blocks[700 + ZONE_DENIAL_BLOCK]; /* all of them may be read */
    for (size_t at = 0; at < record_len; at += ZONE_DENIAL_BLOCK)
        memcpy(blocks + at, record + at, ZONE_DENIAL_BLOCK);
    CU_ASSERT_EQUAL(memcmp(blocks, record, record_len), 0);
    CU_ASSERT_EQUAL(d->ttl, 30);
    CU_ASSERT_EQUAL(d->minimum, 7);
    zone_free(z);
}

static void the_record_is_there_as_it_is_and_packed(void)
{
    static const char *const cases[][2] = {
        {"cluster.local.", "cluster.local. 30 IN SOA ns.dns.cluster.local. h.cluster.local. 9 1 2 3 7"},
        {"cluster.local.", "cluster.local. 30 IN SOA cluster.local. elsewhere.example. 9 1 2 3 7"},
        {"cluster.local.", "cluster.local. 30 IN SOA ns.CLUSTER.local. xcluster.local. 9 1 2 3 7"},
        {"10.in-addr.arpa.", "10.in-addr.arpa. 30 IN SOA ns.dns.cluster.local. . 9 1 2 3 7"},
        {".", ". 30 IN SOA ns.example. . 9 1 2 3 7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i][0], cases[i][1], false);
        check(cases[i][0], cases[i][1], true);
    }
}

static void only_names_of_the_zone_are_packed_and_keep_their_case(void)
{
    struct zone *z;
    const struct zone_denial *d = denial_of(
        &z, "cluster.local.", "cluster.local. 30 IN SOA ns.cluster.local. h.Cluster.local. 9 1 2 3 7");
    CU_ASSERT_EQUAL(d->npointers, 1);
    CU_ASSERT_EQUAL(d->pointers[0], 10 + 3);
    CU_ASSERT_EQUAL(d->pointers[1], d->pointers[0]);
    CU_ASSERT_EQUAL(d->len - d->packed_len, 15 - 2);
    zone_free(z);
}

static void each_version_has_its_own(void)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    const struct zone_denial *before = zone_denial_of(zone_current(z));
    uint32_t first = wire_u32(before->octets + before->len - 20);
    CU_ASSERT_EQUAL(zone_set_serial(t, 101), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    const struct zone_denial *after = zone_denial_of(zone_current(z));
    CU_ASSERT_EQUAL(first, 100);
    CU_ASSERT_EQUAL(wire_u32(after->octets + after->len - 20), 101);
    zone_free(z);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the record is there as it is and packed", the_record_is_there_as_it_is_and_packed},
        {"only names of the zone are packed and keep their case",
         only_names_of_the_zone_are_packed_and_keep_their_case},
        {"each version has its own", each_version_has_its_own},
    };
    rcu_reader_register();
    int status = run_suite("zone/zone_denial", tests, sizeof tests / sizeof tests[0]);
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
