#include "serve/log_format.h"

#include "../plugins/fake_serve.h"

#include "../runner.h"

static const char *write_as(const char *format, struct request *r, uint64_t took_ns)
{
    static char out[4097];
    struct log_format *f = log_format_new(format);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    r->answered_ns = r->received_ns + took_ns;
    struct log_facts facts;
    log_facts_of(r, &facts);
    size_t len = log_format_write(f, &facts, out, sizeof out - 1);
    out[len] = '\0';
    log_format_free(f);
    return out;
}

static void test_common(void)
{
    struct request *r = fake_request("Foo.Example.org", RR_AAAA);
    r->q.id = 4711;
    r->q.flags = FLAG_RD | FLAG_CD;
    r->reply->flags = FLAG_AA;
    fake_add(r, SECTION_ANSWER, "foo.example.org. 5 IN AAAA ::1");
    CU_ASSERT_STRING_EQUAL(
        write_as("{common}", r, 123456),
        "10.240.0.1:40212 - 4711 \"AAAA IN foo.example.org. udp 33 false 512\" NOERROR qr,aa,rd,cd 76 "
        "0.000123456s");
    CU_ASSERT_STRING_EQUAL(
        write_as("{combined}", r, 5000000000),
        "10.240.0.1:40212 - 4711 \"AAAA IN foo.example.org. udp 33 false 512\" NOERROR qr,aa,rd,cd 76 5s "
        "\"0\"");
}

static void test_transports(void)
{
    struct request *r = fake_request(".", 65280);
    fake_from_six(r);
    r->transport = TRANSPORT_TCP;
    r->q.has_edns = true;
    r->q.udp_size = 1232;
    r->q.dnssec_ok = true;
    r->q.qclass = 12;
    r->q.flags = 0;
    r->reply->rcode = RCODE_NXDOMAIN;
    CU_ASSERT_STRING_EQUAL(
        write_as("{remote} {type} {class} {name} {proto} {>do} {>bufsize} {rcode} {rsize} {local}", r, 0),
        "[2001:db8::1] TYPE65280 CLASS12 . tcp true 65535 NXDOMAIN 17 10.96.0.10");
    r->transport = TRANSPORT_UDP;
    CU_ASSERT_STRING_EQUAL(write_as("{>bufsize} {proto} {>rflags}", r, 0), "1232 udp qr");
    r->q.udp_size = 100;
    r->reply->rcode = 23;
    CU_ASSERT_STRING_EQUAL(write_as("{>bufsize} {rcode}", r, 0), "512 BADCOOKIE");
    r->reply->rcode = 3841;
    CU_ASSERT_STRING_EQUAL(write_as("{rcode}", r, 0), "3841");
}

static void test_truncation(void)
{
    struct request *r = fake_request("a.example.org", RR_A);
    for (int i = 0; i < 40; i++)
        fake_add(r, SECTION_ANSWER, "a.example.org. 5 IN A 10.0.0.1");
    CU_ASSERT_STRING_EQUAL(write_as("{rsize} {>rflags}", r, 0), "1191 qr,tc,rd");
    r->transport = TRANSPORT_TCP;
    CU_ASSERT_STRING_EQUAL(write_as("{rsize} {>rflags}", r, 0), "1191 qr,rd");
}

static void test_text_between(void)
{
    struct request *r = fake_request("a", RR_A);
    CU_ASSERT_STRING_EQUAL(write_as("{ {type} } {x} {>x} } {type", r, 0), "{ A } {x} {>x} } {type");
    CU_ASSERT_STRING_EQUAL(write_as("{/kubernetes/endpoint}{/a}{/}", r, 0), "---");
    CU_ASSERT_STRING_EQUAL(write_as("", r, 0), "");
    CU_ASSERT_STRING_EQUAL(write_as("{}{{}}", r, 0), "{}{{}}");
    CU_ASSERT_STRING_EQUAL(write_as("{duration}|{duration}", r, 1500000000), "1.5s|1.5s");
}

static void test_cut(void)
{
    struct request *r = fake_request("abc.example.org", RR_A);
    struct log_format *f = log_format_new("{name}{name}");
    struct log_facts facts;
    log_facts_of(r, &facts);
    for (size_t cap = 0; cap < 40; cap++) {
        char *out = malloc(cap + 1); /* exact, for AddressSanitizer */
        out[cap] = 'x';
        size_t len = log_format_write(f, &facts, out, cap);
        CU_ASSERT_EQUAL(len, cap < 32 ? cap : 32);
        CU_ASSERT_EQUAL(out[cap], 'x');
        CU_ASSERT_EQUAL(memcmp(out, "abc.example.org.abc.example.org.", len), 0);
        free(out);
    }
    log_format_free(f);
}

static void test_strange_names(void)
{
    struct request *r = fake_request("a\\010b\\\"c.example.org", RR_A);
    const char *line = write_as("\"{name}\"", r, 0);
    CU_ASSERT_PTR_NULL(strchr(line, '\n'));
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "a\\010b"));
    r->q.qname_len = 0;
    CU_ASSERT_STRING_EQUAL(write_as("{name}", r, 0), ".");
}

static void test_plain(void)
{
    static const struct {
        const char *format;
        bool plain;
    } cases[] = {{"{common}", true}, {"{combined}", true},       {"local: {name}", true},
                 {"", true},         {"{local}", false},         {"{name} {/a/b} x", false},
                 {"{/}", false},     {"{common} {local}", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct log_format *f = log_format_new(cases[i].format);
        CU_ASSERT_EQUAL(log_format_is_plain(f), cases[i].plain);
        log_format_free(f);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the common and the combined format read as CoreDNS's", test_common},
        {"transport, EDNS size, class and codes without names", test_transports},
        {"what will be truncated has the tc flag", test_truncation},
        {"what is no placeholder stays, and other plugins' labels are a dash", test_text_between},
        {"a line is cut at its room and never written beyond", test_cut},
        {"no name breaks the line", test_strange_names},
        {"a plain format needs no request", test_plain},
    };
    return run_suite("log_format", tests, sizeof tests / sizeof tests[0]);
}
