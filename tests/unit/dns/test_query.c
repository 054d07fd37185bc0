#include "dns/query.h"

#include <stdlib.h>

#include "../runner.h"
#include "base/err.h"
#include "message.h"

static struct message m;
static struct query q;

/* Parses the message from a block of memory that ends where it ends, so that AddressSanitizer sees a read
 * beyond it. */
static enum query_verdict parse(void)
{
    uint8_t *copy = malloc(m.len > 0 ? m.len : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, m.data, m.len);
    memset(&q, 0xee, sizeof q); /* nothing of an earlier question may show */
    enum query_verdict verdict = query_parse(copy, m.len, &q);
    free(copy);
    return verdict;
}

static void plain_question(void)
{
    message_header(&m, 0x1234, FLAG_RD, 1, 0, 0, 0);
    message_question(&m, "Web.Default.svc.cluster.local", RR_AAAA, CLASS_IN);
}

/* A question with room for one OPT of `rdlen` octets behind it. */
static void question_with_opt(const char *owner, unsigned size, uint32_t ttl, unsigned rdlen)
{
    message_header(&m, 1, 0, 1, 0, 0, 1);
    message_question(&m, "a.b", RR_A, CLASS_IN);
    message_record(&m, owner, RR_OPT, size, ttl, rdlen);
}

static void option(unsigned code, unsigned len)
{
    message_u16(&m, code);
    message_u16(&m, len);
    for (unsigned i = 0; i < len; i++)
        message_u8(&m, i);
}

static void a_plain_question_is_read(void)
{
    uint8_t name[NAME_MAX_LEN];
    plain_question();
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_EQUAL(q.id, 0x1234);
    CU_ASSERT_EQUAL(q.flags, FLAG_RD);
    CU_ASSERT_EQUAL(q.qtype, RR_AAAA);
    CU_ASSERT_EQUAL(q.qclass, CLASS_IN);
    CU_ASSERT_EQUAL(q.label_count, 5);
    CU_ASSERT_EQUAL(q.size, m.len);
    CU_ASSERT_EQUAL(q.udp_size, 512);
    CU_ASSERT_FALSE(q.has_edns);
    CU_ASSERT_FALSE(q.dnssec_ok);
    int len = name_from_text("Web.Default.svc.cluster.local", 29, name);
    CU_ASSERT_EQUAL(q.qname_len, len);
    CU_ASSERT_EQUAL(memcmp(q.qname, name, (size_t)len), 0); /* the client's case */
    name_lower(name, name);
    CU_ASSERT_EQUAL(memcmp(q.lname, name, (size_t)len), 0);
    CU_ASSERT_EQUAL(q.hash, name_hash(name, (size_t)len));
}

static void the_root_and_the_longest_name_are_names(void)
{
    message_header(&m, 1, 0, 1, 0, 0, 0);
    message_question(&m, ".", RR_NS, CLASS_IN);
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_EQUAL(q.qname_len, 1);
    CU_ASSERT_EQUAL(q.label_count, 0);

    message_header(&m, 1, 0, 1, 0, 0, 0);
    for (unsigned i = 0; i < 127; i++) /* 255 octets of one-letter labels */
        message_octets(&m, "\1x", 2);
    message_u8(&m, 0);
    message_u32(&m, 0x00010001);
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_EQUAL(q.qname_len, 255);
    CU_ASSERT_EQUAL(q.label_count, 127);

    message_header(&m, 1, 0, 1, 0, 0, 0);
    message_octets(&m, "\2xy", 3);
    for (unsigned i = 0; i < 126; i++)
        message_octets(&m, "\1x", 2);
    message_u8(&m, 0); /* 256 octets */
    message_u32(&m, 0x00010001);
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
}

static void what_is_cut_is_dropped_or_refused_at_every_octet(void)
{
    question_with_opt(".", 1232, 0, 12);
    option(10, 8);
    size_t whole = m.len;
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    for (m.len = 0; m.len < whole; m.len++)
        CU_ASSERT_EQUAL(parse(), m.len < DNS_HEADER_LEN ? QUERY_DROP : QUERY_FORMERR);
}

static void an_answer_is_never_answered(void)
{
    plain_question();
    wire_put_u16(m.data + 2, FLAG_QR);
    CU_ASSERT_EQUAL(parse(), QUERY_DROP);
    wire_put_u16(m.data + 2, FLAG_QR | 5 << 11); /* whatever else is odd about it */
    wire_put_u16(m.data + 4, 77);
    CU_ASSERT_EQUAL(parse(), QUERY_DROP);
    m.len = DNS_HEADER_LEN;
    CU_ASSERT_EQUAL(parse(), QUERY_DROP);
}

static void every_opcode_but_query_is_not_implemented(void)
{
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        plain_question();
        wire_put_u16(m.data + 2, (uint16_t)(opcode << 11));
        CU_ASSERT_EQUAL(parse(), opcode == 0 ? QUERY_OK : QUERY_NOTIMP);
        CU_ASSERT_EQUAL(q.id, 0x1234);
        CU_ASSERT_EQUAL(DNS_OPCODE(q.flags), opcode);
    }
}

static void counts_that_no_request_has_are_refused(void)
{
    static const struct {
        uint16_t count[4];
        enum query_verdict verdict;
    } cases[] = {
        {{0, 0, 0, 0}, QUERY_FORMERR}, {{2, 0, 0, 0}, QUERY_FORMERR}, {{65535, 0, 0, 0}, QUERY_FORMERR},
        {{1, 2, 0, 0}, QUERY_FORMERR}, {{1, 0, 2, 0}, QUERY_FORMERR}, {{1, 0, 0, 3}, QUERY_FORMERR},
        {{1, 1, 0, 0}, QUERY_FORMERR}, /* promised and not there */
        {{1, 0, 0, 1}, QUERY_FORMERR}, {{1, 0, 0, 0}, QUERY_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        plain_question();
        for (unsigned s = 0; s < 4; s++)
            wire_put_u16(m.data + 4 + 2 * s, cases[i].count[s]);
        CU_ASSERT_EQUAL(parse(), cases[i].verdict);
    }
}

static void records_that_a_request_may_carry_are_stepped_over(void)
{
    /* IXFR has the SOA that the client holds; TSIG stands behind OPT. */
    message_header(&m, 1, 0, 1, 0, 1, 2);
    message_question(&m, "a.b", RR_IXFR, CLASS_IN);
    message_u16(&m, 0xc00c); /* a pointer is an owner too */
    message_u16(&m, RR_SOA);
    message_u16(&m, CLASS_IN);
    message_u32(&m, 0);
    message_u16(&m, 22);
    message_octets(&m, "\0\0abcdefghijklmnopqrst", 22);
    message_record(&m, ".", RR_OPT, 4096, 0x8000, 0);
    message_record(&m, "key", 250, CLASS_ANY, 0, 3);
    message_octets(&m, "sig", 3);
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_TRUE(q.has_edns);
    CU_ASSERT_TRUE(q.dnssec_ok);
    CU_ASSERT_EQUAL(q.udp_size, 4096);
}

static void a_question_with_a_compression_pointer_is_refused(void)
{
    message_header(&m, 1, 0, 1, 0, 0, 0);
    message_u16(&m, 0xc00c); /* at itself */
    message_u32(&m, 0x00010001);
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
    message_header(&m, 1, 0, 1, 0, 0, 0);
    message_octets(&m, "\1a\xc0\x00", 4); /* at the header */
    message_u32(&m, 0x00010001);
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
}

static void label_types_that_do_not_exist_are_refused(void)
{
    for (unsigned length = 64; length < 256; length++) {
        message_header(&m, 1, 0, 1, 0, 0, 0);
        message_u8(&m, length);
        for (unsigned i = 0; i < 260; i++)
            message_u8(&m, 0);
        CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
    }
}

static void edns_says_size_version_and_dnssec_ok(void)
{
    static const unsigned sizes[] = {0, 1, 511, 512, 1232, 4096, 65535};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        question_with_opt(".", sizes[i], i % 2 ? 0x8000 : 0, 0);
        CU_ASSERT_EQUAL(parse(), QUERY_OK);
        CU_ASSERT_TRUE(q.has_edns);
        CU_ASSERT_EQUAL(q.udp_size, sizes[i]);
        CU_ASSERT_EQUAL(q.dnssec_ok, i % 2 == 1);
    }
    for (unsigned version = 1; version < 256; version += 127) {
        question_with_opt(".", 1232, version << 16, 0);
        CU_ASSERT_EQUAL(parse(), QUERY_BADVERS);
        CU_ASSERT_EQUAL(q.edns_version, version);
        CU_ASSERT_EQUAL(q.qname_len, 5); /* BADVERS carries the question */
    }
    question_with_opt(".", 1232, 0xff007fff, 0); /* flags and codes of the future make no difference */
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_FALSE(q.dnssec_ok);
}

static void a_second_opt_is_refused(void)
{
    message_header(&m, 1, 0, 1, 0, 0, 2);
    message_question(&m, "a.b", RR_A, CLASS_IN);
    message_record(&m, ".", RR_OPT, 1232, 0, 0);
    message_record(&m, ".", RR_OPT, 1232, 0, 0);
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
}

static void an_opt_with_a_name_is_refused(void)
{
    question_with_opt("a", 1232, 0, 0);
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
}

static void an_opt_in_another_section_is_a_record_like_any_other(void)
{
    message_header(&m, 1, 0, 1, 1, 0, 0);
    message_question(&m, "a.b", RR_A, CLASS_IN);
    message_record(&m, ".", RR_OPT, 1232, 0, 0);
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_FALSE(q.has_edns);
}

static void options_that_do_not_fit_their_opt_are_refused(void)
{
    question_with_opt(".", 1232, 0, 3); /* not even a header */
    message_octets(&m, "\0\3\0", 3);
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
    question_with_opt(".", 1232, 0, 8); /* longer than the record */
    message_octets(&m, "\0\12\0\10abcd", 8);
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
    question_with_opt(".", 1232, 0, 4); /* longer than the message */
    message_octets(&m, "\0\12\xff\xff", 4);
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
    question_with_opt(".", 1232, 0, 100); /* a record longer than the message */
    CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
}

static void options_are_read_over_however_many_there_are(void)
{
    enum { MANY = 5000 };
    question_with_opt(".", 1232, 0, MANY * 4 + 12);
    for (unsigned i = 0; i < MANY; i++)
        option(3, 0);
    option(10, 8);
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT(q.has_edns);
}

static void octets_behind_the_message_make_no_difference(void)
{
    plain_question();
    message_octets(&m, "rubbish", 7);
    CU_ASSERT_EQUAL(parse(), QUERY_OK); /* as the DNS library under CoreDNS has it */
}

static void a_query_is_written_as_it_is_parsed(void)
{
    uint8_t name[NAME_MAX_LEN];
    name_from_text("Web.example", 11, name);
    query_make(&q, name, RR_MX);
    q.id = 7;
    for (unsigned edns = 0; edns < 2; edns++) {
        q.has_edns = q.dnssec_ok = edns;
        q.udp_size = edns ? 1232 : 512;
        struct query before = q;
        int len = query_write(&q, m.data, sizeof m.data);
        CU_ASSERT(len > 0);
        for (int cap = 0; cap < len; cap++)
            CU_ASSERT_EQUAL(query_write(&q, m.data, (size_t)cap), ERR_SPACE);
        CU_ASSERT_EQUAL(query_write(&q, m.data, (size_t)len), len);
        m.len = (size_t)len;
        CU_ASSERT_EQUAL(parse(), QUERY_OK);
        CU_ASSERT_EQUAL(q.id, 7);
        CU_ASSERT_EQUAL(q.flags, FLAG_RD);
        CU_ASSERT_EQUAL(q.qtype, RR_MX);
        CU_ASSERT_EQUAL(q.qclass, CLASS_IN);
        CU_ASSERT_EQUAL(q.hash, before.hash);
        CU_ASSERT_EQUAL(q.label_count, 2);
        CU_ASSERT_EQUAL(memcmp(q.qname, name, q.qname_len), 0);
        CU_ASSERT_EQUAL(q.has_edns, edns);
        CU_ASSERT_EQUAL(q.dnssec_ok, edns);
        CU_ASSERT_EQUAL(q.udp_size, before.udp_size);
    }
}

/* An IXFR with an SOA in its authority section, whose rdata is `rdata`. */
static void transfer_with_soa(uint16_t qtype, unsigned rdlen, const void *rdata)
{
    message_header(&m, 1, 0, 1, 0, 1, 0);
    message_question(&m, "a.b", qtype, CLASS_IN);
    message_record(&m, "a.b", RR_SOA, CLASS_IN, 0, rdlen);
    message_octets(&m, rdata, rdlen);
}

static void an_incremental_transfer_says_where_its_client_is(void)
{
    /* names as a pointer to the question's and as the root, then serial and timers */
    static const uint8_t soa[] = {0xc0, 0x0c, 0, 0x80, 1, 2, 3, 0, 0, 0, 1, 0,
                                  0,    0,    1, 0,    0, 0, 1, 0, 0, 0, 1};
    plain_question();
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_FALSE(q.has_serial);
    transfer_with_soa(RR_IXFR, sizeof soa, soa);
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_TRUE(q.has_serial);
    CU_ASSERT_EQUAL(q.serial, 0x80010203);
    transfer_with_soa(RR_AXFR, sizeof soa, soa);
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_FALSE(q.has_serial);
    message_header(&m, 1, 0, 1, 0, 0, 0); /* RFC 1995 asks for it; without, the chain decides */
    message_question(&m, "a.b", RR_IXFR, CLASS_IN);
    CU_ASSERT_EQUAL(parse(), QUERY_OK);
    CU_ASSERT_FALSE(q.has_serial);
    for (unsigned len = 0; len < sizeof soa; len++) { /* cut, by its own length or by the message's */
        transfer_with_soa(RR_IXFR, len, soa);
        CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
        transfer_with_soa(RR_IXFR, sizeof soa, soa);
        m.len -= sizeof soa - len;
        CU_ASSERT_EQUAL(parse(), QUERY_FORMERR);
    }
}

static const struct unit_test tests[] = {
    {"a plain question is read", a_plain_question_is_read},
    {"the root and the longest name are names", the_root_and_the_longest_name_are_names},
    {"what is cut is dropped or refused, at every octet", what_is_cut_is_dropped_or_refused_at_every_octet},
    {"an answer is never answered", an_answer_is_never_answered},
    {"every opcode but QUERY is not implemented", every_opcode_but_query_is_not_implemented},
    {"counts that no request has are refused", counts_that_no_request_has_are_refused},
    {"records that a request may carry are stepped over", records_that_a_request_may_carry_are_stepped_over},
    {"a question with a compression pointer is refused", a_question_with_a_compression_pointer_is_refused},
    {"label types that do not exist are refused", label_types_that_do_not_exist_are_refused},
    {"EDNS says size, version and DNSSEC OK", edns_says_size_version_and_dnssec_ok},
    {"a second OPT is refused", a_second_opt_is_refused},
    {"an OPT with a name is refused", an_opt_with_a_name_is_refused},
    {"an OPT in another section is a record like any other",
     an_opt_in_another_section_is_a_record_like_any_other},
    {"options that do not fit their OPT are refused", options_that_do_not_fit_their_opt_are_refused},
    {"options are read over, however many there are", options_are_read_over_however_many_there_are},
    {"octets behind the message make no difference", octets_behind_the_message_make_no_difference},
    {"an incremental transfer says where its client is", an_incremental_transfer_says_where_its_client_is},
    {"a query is written as it is parsed", a_query_is_written_as_it_is_parsed},
};

int main(void)
{
    return run_suite("query", tests, sizeof tests / sizeof tests[0]);
}
