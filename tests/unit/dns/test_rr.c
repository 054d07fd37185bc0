#include "dns/rr.h"

#include <stdlib.h>
#include <string.h>

#include "../runner.h"
#include "base/err.h"

static struct rr_storage storage, storage_again;

/* What rr_to_text makes of what rr_from_text read; "" where it was refused. */
static const char *through(const char *line)
{
    static struct bytes out;
    struct rr rr;
    if (out.max == 0)
        bytes_init(&out, 1 << 20);
    bytes_reset(&out);
    if (rr_from_text(line, strlen(line), &storage, &rr) != ERR_OK || rr_to_text(&rr, &out) != ERR_OK)
        return "";
    return out.data;
}

static void text_is_written_in_one_form(void)
{
    static const char *const cases[][2] = {
        {"Web.Default.svc.cluster.local. 30 IN A 10.96.1.1",
         "Web.Default.svc.cluster.local.\t30\tIN\tA\t10.96.1.1"},
        {"a. in 5 a 0.0.0.255 ; why", "a.\t5\tIN\tA\t0.0.0.255"},
        {"a. 5 IN AAAA 2001:DB8:0:0:0:0:0:1", "a.\t5\tIN\tAAAA\t2001:db8::1"},
        {"a. 5 IN SRV 0 100 53 Dns.b.", "a.\t5\tIN\tSRV\t0 100 53 Dns.b."},
        {"1.0.10.in-addr.arpa. 5 IN PTR x.y.", "1.0.10.in-addr.arpa.\t5\tIN\tPTR\tx.y."},
        {"a. 5 IN CNAME .", "a.\t5\tIN\tCNAME\t."},
        {"a. 5 IN NS b", "a.\t5\tIN\tNS\tb."},
        {"a. 5 IN SOA n. h. 4294967295 1 2 3 4", "a.\t5\tIN\tSOA\tn. h. 4294967295 1 2 3 4"},
        {"a. 5 IN MX 10 m.", "a.\t5\tIN\tMX\t10 m."},
        {"a. 5 IN TXT plain \"with ; and \\\" in it\" \"\" \\065\\;",
         "a.\t5\tIN\tTXT\t\"plain\" \"with ; and \\\" in it\" \"\" \"A;\""},
        {"a. 5 IN TXT \"back\\\\slash\\010\\255\"", "a.\t5\tIN\tTXT\t\"back\\\\slash\\010\\255\""},
        {"ns.svc.a. 5 IN TYPE65280 \\# 0", "ns.svc.a.\t5\tIN\tTYPE65280\t\\# 0"},
        {"a. 5 IN TYPE65281 \\# 3 0A0b 0C", "a.\t5\tIN\tTYPE65281\t\\# 3 0a0b0c"},
        {"a. 5 IN A \\# 4 0a600101", "a.\t5\tIN\tA\t10.96.1.1"},
        {"a. 5 IN TYPE1 \\# 4 0a600101", "a.\t5\tIN\tA\t10.96.1.1"},
        {"a. 5 CH TXT x", "a.\t5\tCH\tTXT\t\"x\""},
        {"a. 5 CLASS254 TXT x", "a.\t5\tCLASS254\tTXT\t\"x\""},
        {"a. 5 IN NAPTR 1 2 \"s\" \"x\" \"!a!b!\" c.", "a.\t5\tIN\tNAPTR\t1 2 \"s\" \"x\" \"!a!b!\" c."},
        {"a\\.b\\032c.d. 0 IN HINFO x y", "a\\.b\\032c.d.\t0\tIN\tHINFO\t\"x\" \"y\""},
        /* by libldns */
        {"a. 5 IN CAA 0 issue \"ca.example\"", "a.\t5\tIN\tCAA\t0 issue \"ca.example\""},
        {"a. 5 IN DS 1 8 1 0123456789abcdef0123456789abcdef01234567 ; c",
         "a.\t5\tIN\tDS\t1 8 1 0123456789abcdef0123456789abcdef01234567"},
        {"a. 5 IN HTTPS 1 . alpn=\"h2,h3\" ; c", "a.\t5\tIN\tHTTPS\t1 . alpn=h2,h3"},
        {"a. 5 IN CAA \\# 0", "a.\t5\tIN\tTYPE257\t\\# 0"},
        /* libldns writes this NSEC as a name with a quotation mark and a type 0, which nobody reads */
        {"a. 5 IN NSEC \\# 6 012200000180", "a.\t5\tIN\tTYPE47\t\\# 6 012200000180"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_STRING_EQUAL(through(cases[i][0]), cases[i][1]);
        CU_ASSERT_STRING_EQUAL(through(cases[i][1]), cases[i][1]);
    }
}

static void malformed_text_is_refused(void)
{
    static const char *const cases[] = {
        "",
        " a. 5 IN A 1.2.3.4",
        "; a. 5 IN A 1.2.3.4",
        "$ORIGIN a.",
        "$TTL 5",
        "@ 5 IN A 1.2.3.4",
        "\"a.\" 5 IN A 1.2.3.4",
        "a.. 5 IN A 1.2.3.4",
        "a. IN A 1.2.3.4",
        "a. 5 A 1.2.3.4",
        "a. 5 5 A 1.2.3.4",
        "a. IN IN A 1.2.3.4",
        "a. 2147483648 IN A 1.2.3.4",
        "a. -1 IN A 1.2.3.4",
        "a. 5h IN A 1.2.3.4",
        "a. 5 XX A 1.2.3.4",
        "a. 5 CLASS65536 A 1.2.3.4",
        "a. 5 IN",
        "a. 5 IN A",
        "a. 5 IN ; A 1.2.3.4",
        "a. 5 IN A 1.2.3",
        "a. 5 IN A 1.2.3.4.5",
        "a. 5 IN A 1.2.3.256",
        "a. 5 IN A 1.2.3.4 5",
        "a. 5 IN A \"1.2.3.4\"",
        "a. 5 IN A 1..3.4",
        "a. 5 IN A 1.2.3.0004",
        "a. 5 IN AAAA ::1::",
        "a. 5 IN AAAA 1.2.3.4",
        "a. 5 IN AAAA 1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
        "a. 5 IN SRV 0 100 65536 b.",
        "a. 5 IN SRV 0 100 53",
        "a. 5 IN NS @",
        "a. 5 IN NS b c",
        "a. 5 IN SOA n. h. 1 2 3 4 4294967296",
        "a. 5 IN SOA n. h. ( 1 2 3 4 5 )",
        "a. 5 IN TXT",
        "a. 5 IN TXT \"open",
        "a. 5 IN TXT \"open\\\"",
        "a. 5 IN TXT \"a\"b",
        "a. 5 IN TXT a\"b\"",
        "a. 5 IN TXT \"a\"\"b\"",
        "a. 5 IN TXT x\\",
        "a. 5 IN TXT \\256",
        "a. 5 IN TXT \\25",
        "a. 5 IN A \\# 3 0a6001",
        "a. 5 IN A \\# 5 0a60010101",
        "a. 5 IN CNAME \\# 2 0161",
        "a. 5 IN CNAME \\# 4 01610000",
        "a. 5 IN TYPE65281 \\#",
        "a. 5 IN TYPE65281 \\# 2 0a",
        "a. 5 IN TYPE65281 \\# 1 0",
        "a. 5 IN TYPE65281 \\# 1 0a0b",
        "a. 5 IN TYPE65281 \\# 1 0g",
        "a. 5 IN TYPE65281 \\# 65536 00",
        "a. 5 IN TYPE65281 x",
        "a. 5 IN TYPE65536 \\# 0",
        "a. 5 IN TYPE0 \\# 0",
        "a. 5 IN NONSENSE \\# 0",
        "a. 5 IN CAA 0 issue",
        "a. 5 IN CAA",
        "a. 5 IN DS 1 8 1 xyz",
        "a. 5 IN NULL x",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *why = NULL;
        struct rr rr;
        CU_ASSERT_EQUAL(rr_from_text_why(cases[i], strlen(cases[i]), &storage, &rr, &why), ERR_MALFORMED);
        if (why == NULL || *why == '\0')
            CU_FAIL("no reason was given");
    }
}

static void the_reason_says_what_was_expected(void)
{
    const char *why = "", *line = "a. 5 IN A 10.96.1";
    struct rr rr;
    CU_ASSERT_EQUAL(rr_from_text_why(line, strlen(line), &storage, &rr, &why), ERR_MALFORMED);
    CU_ASSERT_STRING_EQUAL(why, "expected an IPv4 address");
}

/* Each line read behind the one before it gives what it gives alone. */
static void lines_behind_each_other_are_read_as_if_alone(void)
{
    static const char *const lines[] = {
        "web.svc. 30 IN SRV 0 50 80 a.",
        "web.svc. 30 IN SRV 0 50 81 b.",
        "web.svc. 30 IN SRV",
        "web.svc. 30 IN SRV ",
        "web.svc. 30 IN SRV 0 50 80 c. d",
        "web.svc. 30 IN SRVX 0 50 80 c.",
        "web.svc. 30 IN SRV\t0 50 80 c.",
        "web.svc. 30 IN SRV 0 50 80 c.",
        "web.svc. 31 IN SRV 0 50 80 c.",
        "web.svc. 31 IN A 10.0.0.1",
        "web.svc. 31 IN A ;",
        "web.svc. 31 IN A;",
        "web.svc. 31 IN A 10.0.0.2 ; more",
        "web.svc. 31 IN AAAA ::1",
        "web.svc. 31 IN A 10.0.0.1",
        "Web.svc. 31 IN A 10.0.0.1",
        "web.svc. 31 CH A 10.0.0.1",
        "web.svc. 31 IN TXT \"a b\"",
        "web.svc. 31 IN TXT \"a b",
        "web.svc. 31 IN TYPE65280 \\# 0",
        "web.svc. 31 IN TYPE65280 \\#0",
        "web.svc. 31 IN TYPE65280  \\# 1 00",
        "nonsense",
        "web.svc. 31 IN TYPE65280 \\# 0",
    };
    struct rr_head head = {.len = 0};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct rr rr, alone;
        const char *why = "", *why_alone = "";
        int ret = rr_from_text_after(&head, lines[i], strlen(lines[i]), &storage, &rr, &why);
        CU_ASSERT_EQUAL(rr_from_text_why(lines[i], strlen(lines[i]), &storage_again, &alone, &why_alone),
                        ret);
        CU_ASSERT_STRING_EQUAL(why, why_alone);
        if (ret == ERR_OK)
            CU_ASSERT(rr.type == alone.type && rr.class == alone.class && rr.ttl == alone.ttl &&
                      rr.rdlen == alone.rdlen && name_compare(rr.owner, alone.owner) == 0 &&
                      memcmp(rr.rdata, alone.rdata, rr.rdlen) == 0);
    }
    CU_ASSERT(head.len > 0);
}

static void strings_of_255_octets_are_read_and_longer_ones_refused(void)
{
    char line[2048];
    int prefix = snprintf(line, sizeof line, "a. 5 IN TXT \"");
    memset(line + prefix, 'x', 256);
    snprintf(line + prefix + 255, 10, "\"");
    CU_ASSERT_STRING_NOT_EQUAL(through(line), "");
    line[prefix + 255] = 'x';
    snprintf(line + prefix + 256, 10, "\"");
    CU_ASSERT_STRING_EQUAL(through(line), "");
}

static void rdata_of_65535_octets_goes_through_and_more_is_refused(void)
{
    size_t size = 2 * 65535 + 100;
    char *line = malloc(size);
    int prefix = snprintf(line, size, "a. 5 IN TYPE65281 \\# 65535 ");
    memset(line + prefix, 'a', 2 * 65535);
    line[prefix + 2 * 65535] = '\0';
    struct rr rr;
    CU_ASSERT_EQUAL(rr_from_text(line, strlen(line), &storage, &rr), ERR_OK);
    CU_ASSERT_EQUAL(rr.rdlen, 65535);
    struct bytes out;
    bytes_init(&out, 1 << 20);
    CU_ASSERT_EQUAL(rr_to_text(&rr, &out), ERR_OK);
    CU_ASSERT_EQUAL(rr_from_text(out.data, out.len, &storage_again, &rr), ERR_OK);
    CU_ASSERT_EQUAL(rr.rdlen, 65535);
    bytes_free(&out);
    free(line);

    struct bytes txt; /* 256 strings of 255 octets: 65,536 octets of rdata */
    bytes_init(&txt, 1 << 20);
    bytes_append_str(&txt, "a. 5 IN TXT");
    char word[256];
    memset(word, 'y', 255);
    word[255] = '\0';
    for (int i = 0; i < 256; i++)
        bytes_printf(&txt, " %s", word);
    CU_ASSERT_EQUAL(rr_from_text(txt.data, txt.len, &storage, &rr), ERR_MALFORMED);
    CU_ASSERT_EQUAL(rr_from_text(txt.data, txt.len - 1, &storage, &rr), ERR_OK);
    CU_ASSERT_EQUAL(rr.rdlen, 65535);
    bytes_free(&txt);
}

static void a_record_that_cannot_be_read_again_is_not_written(void)
{
    static const uint8_t owner[] = {1, 'a', 0};
    struct bytes out;
    bytes_init(&out, 2000);
    bytes_append_str(&out, "before");
    struct rr short_a = {
        .owner = owner, .type = RR_A, .class = CLASS_IN, .ttl = 5, .rdlen = 3, .rdata = owner};
    CU_ASSERT_EQUAL(rr_to_text(&short_a, &out), ERR_MALFORMED);
    struct rr long_ttl = {
        .owner = owner, .type = RR_NS, .class = CLASS_IN, .ttl = 1u << 31, .rdlen = 3, .rdata = owner};
    CU_ASSERT_EQUAL(rr_to_text(&long_ttl, &out), ERR_MALFORMED);
    static const uint8_t pointer[] = {0xc0, 12};
    struct rr compressed = {
        .owner = owner, .type = RR_NS, .class = CLASS_IN, .ttl = 1, .rdlen = 2, .rdata = pointer};
    CU_ASSERT_EQUAL(rr_to_text(&compressed, &out), ERR_MALFORMED);
    CU_ASSERT_STRING_EQUAL(out.data, "before");
    bytes_free(&out);
    bytes_init(&out, 1000);
    long_ttl.ttl = 1;
    CU_ASSERT_EQUAL(rr_to_text(&long_ttl, &out), ERR_LIMIT); /* the name alone may need more than is left */
    bytes_free(&out);
}

static void types_have_their_mnemonics(void)
{
    char text[16];
    CU_ASSERT_STRING_EQUAL(rrtype_to_text(RR_AAAA, text), "AAAA");
    CU_ASSERT_STRING_EQUAL(rrtype_to_text(RR_NAMESPACE, text), "TYPE65280");
    CU_ASSERT_STRING_EQUAL(rrtype_to_text(51, text), "NSEC3PARAM");
    CU_ASSERT_EQUAL(rrtype_from_text("aaaa", 4), RR_AAAA);
    CU_ASSERT_EQUAL(rrtype_from_text("AAA", 3), 0);
    CU_ASSERT_EQUAL(rrtype_from_text("TYPE65280", 9), RR_NAMESPACE);
    CU_ASSERT_EQUAL(rrtype_from_text("type1", 5), RR_A);
    CU_ASSERT_EQUAL(rrtype_from_text("TYPE", 4), 0);
    CU_ASSERT_EQUAL(rrtype_from_text("TYPE655360", 10), 0);
    CU_ASSERT_EQUAL(rrtype_from_text("", 0), 0);
    for (unsigned type = 1; type <= UINT16_MAX; type++) {
        rrtype_to_text((uint16_t)type, text);
        if (rrtype_from_text(text, strlen(text)) != type)
            CU_FAIL("a type is not read back from its text");
    }
}

static void records_sort_with_the_soa_first(void)
{
    static const char *const sorted[] = {
        "a. 5 IN SOA n. h. 1 1 1 1 1", "a. 5 IN A 1.2.3.4",  "a. 5 IN A 1.2.3.5",       "a. 5 IN NS b.",
        "b.a. 5 IN A 0.0.0.0",         "b.a. 5 IN TXT \"\"", "b.a. 5 IN TXT \"\" \"\"",
    };
    size_t count = sizeof sorted / sizeof sorted[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct rr a, b;
            CU_ASSERT_EQUAL(rr_from_text(sorted[i], strlen(sorted[i]), &storage, &a), ERR_OK);
            CU_ASSERT_EQUAL(rr_from_text(sorted[j], strlen(sorted[j]), &storage_again, &b), ERR_OK);
            int diff = rr_compare(&a, &b);
            CU_ASSERT_TRUE(i < j ? diff < 0 : i > j ? diff > 0 : diff == 0);
        }
    }
}

static void compressed_rdata_is_made_whole(void)
{
    static const uint8_t message[] =
        "\7cluster\5local\0"                                         /* 0 */
        "\0\1\0\2\0\x35\3web\xc0\0"                                  /* 15: SRV, 12 octets */
        "\2ns\xc0\0\xc0\x1b\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5" /* 27: SOA, 27 octets */
        "\1\2\3\4";                                                  /* 54: A */
    static uint8_t out[RDATA_MAX];
    size_t len = sizeof message - 1;
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 15, 12, RR_SRV, out), 6 + 4 + 15);
    CU_ASSERT_EQUAL(memcmp(out, "\0\1\0\2\0\x35\3web\7cluster\5local", 25), 0);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 27, 27, RR_SOA, out), 18 + 18 + 20);
    CU_ASSERT_EQUAL(memcmp(out + 18, "\2ns\7cluster\5local\0\0\0\0\1", 22), 0);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 54, 4, RR_A, out), 4);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 15, 12, RR_NAMESPACE, out), 12);
    CU_ASSERT_EQUAL(memcmp(out, message + 15, 12), 0);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 15, 0, RR_TXT, out), 0);
    /* too short, too long, beyond the message, a name that leaves the rdata */
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 15, 11, RR_SRV, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 15, 13, RR_SRV, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 54, 3, RR_A, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 54, 5, RR_A, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, len + 1, 0, RR_TXT, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 0, 4, RR_CNAME, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(rdata_unpack(message, len, 21, 6, 13 /* HINFO */, out), ERR_MALFORMED);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"text is written in one form and read again", text_is_written_in_one_form},
        {"malformed text is refused with a reason", malformed_text_is_refused},
        {"the reason says what was expected", the_reason_says_what_was_expected},
        {"lines behind each other are read as if alone", lines_behind_each_other_are_read_as_if_alone},
        {"strings of 255 octets are read and longer ones refused",
         strings_of_255_octets_are_read_and_longer_ones_refused},
        {"rdata of 65535 octets goes through and more is refused",
         rdata_of_65535_octets_goes_through_and_more_is_refused},
        {"a record that cannot be read again is not written",
         a_record_that_cannot_be_read_again_is_not_written},
        {"types have their mnemonics", types_have_their_mnemonics},
        {"records sort with the SOA first", records_sort_with_the_soa_first},
        {"compressed rdata is made whole", compressed_rdata_is_made_whole},
    };
    return run_suite("dns/rr", tests, sizeof tests / sizeof tests[0]);
}
