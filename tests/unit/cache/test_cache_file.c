/* A cache on disk: what is written is read again, and what nobody has written does no harm. */
#include "../runner.h"

#include <stdio.h>

#include "../serve/message.h"
#include "base/err.h"
#include "cache/cache_file.h"

#define IDENTITY UINT64_C(0x1234567890abcdef)
#define WRITTEN  UINT64_C(1700000000000)

static struct bytes file;

/* What was read. */
static struct {
    unsigned count, stop_after;
    struct cache_saved saved[4];
    struct query q[4];
    struct reply reply; /* the last */
} got;

static bool each(void *ctx, const struct cache_saved *s, struct reply *r)
{
    (void)ctx;
    if (got.count < 4) {
        got.saved[got.count] = *s;
        got.q[got.count] = *r->q;
    }
    got.count++;
    got.reply = *r;
    return got.count != got.stop_after;
}

static int read_at(uint64_t wall_ms, size_t len, struct cache_file_result *out)
{
    FILE *f = fmemopen(file.data, len, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    got.count = 0;
    int ret = cache_file_read(f, IDENTITY, wall_ms, each, NULL, out);
    fclose(f);
    return ret;
}

static void put(const char *name, const char *line, const struct cache_saved *saved)
{
    struct query q = make_query(name, RR_A);
    const char *const lines[] = {line, NULL};
    struct reply *r = make_reply(&q, lines);
    size_t question_end = DNS_HEADER_LEN + q.qname_len + 4u;
    const struct cache_file_answer a = {.name = q.lname,
                                        .name_len = q.qname_len,
                                        .qtype = q.qtype,
                                        .qclass = q.qclass,
                                        .flags = FLAG_RA | FLAG_AD,
                                        .rcode = line == NULL ? RCODE_NXDOMAIN : RCODE_NOERROR,
                                        .count = {r->count[0], r->count[1], r->count[2]},
                                        .body = r->wire + question_end,
                                        .body_len = r->len - question_end};
    cache_file_put_entry(&file, saved, &a);
    free(r);
}

static void write_two(void)
{
    static const struct cache_saved first = {.age_s = 10,
                                             .ttl_s = 300,
                                             .dnssec_ok = true,
                                             .in_long = true,
                                             .uses = 2},
                                    second = {.ttl_s = 60, .checking_disabled = true};
    bytes_init(&file, 1 << 20);
    cache_file_put_head(&file, IDENTITY, WRITTEN);
    put("www.example.org.", "www.example.org. 300 IN CNAME a.www.example.org.", &first);
    put("none.example.org.", NULL, &second);
    cache_file_put_end(&file, 2);
    CU_ASSERT_EQUAL_FATAL(file.error, ERR_OK);
}

static void what_was_written_is_read(void)
{
    struct cache_file_result result;
    write_two();
    CU_ASSERT_EQUAL(read_at(WRITTEN + 4200, file.len, &result), ERR_OK);
    CU_ASSERT_TRUE(result.entries == 2 && result.refused == 0 && got.count == 2);
    CU_ASSERT_TRUE(got.saved[0].age_s == 15 && got.saved[0].ttl_s == 300); /* it has aged meanwhile */
    CU_ASSERT_TRUE(got.saved[0].in_long && got.saved[0].uses == 2);
    CU_ASSERT_TRUE(got.q[0].dnssec_ok && (got.q[0].flags & FLAG_CD) == 0 && got.q[0].qtype == RR_A);
    CU_ASSERT_TRUE(got.saved[1].age_s == 5 && !got.saved[1].in_long);
    CU_ASSERT_TRUE(!got.q[1].dnssec_ok && (got.q[1].flags & FLAG_CD) != 0);
    CU_ASSERT_TRUE(got.reply.rcode == RCODE_NXDOMAIN && got.reply.flags == (FLAG_RA | FLAG_AD));
    got.stop_after = 1;
    CU_ASSERT_EQUAL(read_at(WRITTEN, file.len, &result), ERR_LIMIT);
    CU_ASSERT_EQUAL(got.count, 1);
    CU_ASSERT_TRUE(got.reply.nrecords == 1 && reply_ttl(&got.reply, 0) == 300);
    got.stop_after = 0;
    bytes_free(&file);
}

static void a_clock_that_was_set_back_makes_nothing_younger(void)
{
    struct cache_file_result result;
    write_two();
    CU_ASSERT_EQUAL(read_at(WRITTEN - 86400000, file.len, &result), ERR_OK);
    CU_ASSERT_TRUE(got.saved[0].age_s == 10 && got.saved[1].age_s == 0);
    CU_ASSERT_EQUAL(read_at(0, file.len, &result), ERR_OK);
    CU_ASSERT_EQUAL(got.saved[0].age_s, 10);
    CU_ASSERT_EQUAL(read_at(UINT64_MAX, file.len, &result), ERR_OK);
    CU_ASSERT_TRUE(got.saved[0].age_s > UINT64_C(1) << 40);
    bytes_free(&file);
}

static void a_file_that_ends_early_gives_what_is_whole(void)
{
    struct cache_file_result result;
    unsigned seen = 0;
    write_two();
    for (size_t len = 1; len < file.len; len++) {
        int ret = read_at(WRITTEN, len, &result);
        CU_ASSERT_TRUE(ret == ERR_TRUNCATED || (ret == ERR_MALFORMED && got.count == 0));
        CU_ASSERT_TRUE(got.count >= seen && got.count <= 2);
        seen = got.count;
    }
    CU_ASSERT_EQUAL(seen, 2);
    bytes_free(&file);
}

static void an_octet_that_changed_is_noticed(void)
{
    struct cache_file_result result;
    write_two();
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 0x40;
        CU_ASSERT_NOT_EQUAL(read_at(WRITTEN, file.len, &result), ERR_OK);
        CU_ASSERT_TRUE(got.count <= 2);
        file.data[i] ^= 0x40;
    }
    CU_ASSERT_EQUAL(read_at(WRITTEN, file.len, &result), ERR_OK);
    bytes_free(&file);
}

static void another_blocks_file_is_not_read(void)
{
    struct cache_file_result result;
    bytes_init(&file, 1 << 20);
    cache_file_put_head(&file, IDENTITY + 1, WRITTEN);
    cache_file_put_end(&file, 0);
    CU_ASSERT_EQUAL(read_at(WRITTEN, file.len, &result), ERR_MISMATCH);
    bytes_free(&file);
}

/* Whoever can write a checksum can write anything behind it. */
static void a_message_that_is_none_is_refused(void)
{
    static const uint8_t looping[] = {0xc0, 0x21, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1};
    static const uint8_t name[] = "\3www\7example\3org";
    struct cache_file_result result;
    struct cache_file_answer a = {.name = name, .name_len = sizeof name, .qtype = RR_A, .qclass = CLASS_IN};
    const struct cache_saved s = {.ttl_s = 300};
    bytes_init(&file, 1 << 20);
    cache_file_put_head(&file, IDENTITY, WRITTEN);
    a.count[0] = 1; /* which is not there */
    cache_file_put_entry(&file, &s, &a);
    a.body = looping;
    a.body_len = sizeof looping;
    cache_file_put_entry(&file, &s, &a);
    a.flags = 0x7800; /* an opcode */
    a.count[0] = 0;
    a.body_len = 0;
    cache_file_put_entry(&file, &s, &a);
    a.flags = 0;
    a.name = (const uint8_t *)"\xc0\x0c";
    a.name_len = 2;
    a.body = looping;
    a.body_len = 9;
    cache_file_put_entry(&file, &s, &a);
    cache_file_put_end(&file, 4);
    CU_ASSERT_EQUAL(read_at(WRITTEN, file.len, &result), ERR_OK);
    CU_ASSERT_EQUAL(result.entries, 0);
    CU_ASSERT_EQUAL(result.refused, 4);
    bytes_free(&file);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"what was written is read", what_was_written_is_read},
        {"a clock that was set back makes nothing younger", a_clock_that_was_set_back_makes_nothing_younger},
        {"a file that ends early gives what is whole", a_file_that_ends_early_gives_what_is_whole},
        {"an octet that changed is noticed", an_octet_that_changed_is_noticed},
        {"another block's file is not read", another_blocks_file_is_not_read},
        {"a message that is none is refused", a_message_that_is_none_is_refused},
    };
    return run_suite("cache_file", tests, sizeof tests / sizeof tests[0]);
}
