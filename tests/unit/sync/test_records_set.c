/* Sets of records: order, duplicates, differences, limits; and the labels made of Kubernetes names. */
#include "../runner.h"
#include "base/err.h"
#include "sync/records_label.h"
#include "sync/records_set.h"

#include <string.h>

static const uint8_t web[] = "\3web\1z", db[] = "\2db\1z", apex[] = "\1z";

static void add_a(struct record_set *set, const uint8_t *owner, uint32_t ttl, uint8_t last)
{
    const uint8_t ip[4] = {10, 0, 0, last};
    record_set_add(set, owner, RR_A, ttl, ip, 4);
}

static void sorted_and_each_once(void)
{
    struct record_set set;
    struct rr rr;
    record_set_init(&set);
    add_a(&set, web, 5, 2);
    add_a(&set, apex, 5, 9);
    add_a(&set, web, 5, 1);
    add_a(&set, db, 5, 1);
    add_a(&set, web, 5, 2);
    record_set_sort(&set);
    CU_ASSERT_EQUAL_FATAL(set.count, 4);
    record_set_rr(&set, 0, &rr);
    CU_ASSERT_TRUE(name_equal(rr.owner, apex));
    record_set_rr(&set, 1, &rr);
    CU_ASSERT_TRUE(name_equal(rr.owner, db));
    record_set_rr(&set, 2, &rr);
    CU_ASSERT_TRUE(name_equal(rr.owner, web));
    CU_ASSERT_EQUAL(rr.rdata[3], 1);
    CU_ASSERT_EQUAL(rr.class, CLASS_IN);
    record_set_reset(&set);
    record_set_sort(&set);
    CU_ASSERT_EQUAL(set.count, 0);
    record_set_free(&set);
}

struct seen {
    char ops[16];
    size_t count;
    int stop_at;
};

static int see(void *ctx, char op, const struct rr *rr)
{
    struct seen *s = ctx;
    (void)rr;
    s->ops[s->count++] = op;
    return s->count == (size_t)s->stop_at ? 77 : ERR_OK;
}

static void difference_of(struct record_set *x, struct record_set *y, const char *ops)
{
    struct seen s = {{0}, 0, 0};
    record_set_sort(x);
    record_set_sort(y);
    CU_ASSERT_EQUAL(record_set_diff(x, y, see, &s), ERR_OK);
    CU_ASSERT_STRING_EQUAL(s.ops, ops);
}

static void differences(void)
{
    struct record_set x, y;
    record_set_init(&x);
    record_set_init(&y);
    difference_of(&x, &y, "");
    add_a(&x, web, 5, 1);
    add_a(&x, web, 5, 2);
    difference_of(&x, &y, "--");
    difference_of(&y, &x, "++");
    add_a(&y, web, 5, 2);
    add_a(&y, web, 5, 3);
    difference_of(&x, &y, "-+");
    record_set_reset(&y);
    add_a(&y, web, 6, 1);
    add_a(&y, web, 6, 2);
    difference_of(&x, &y, "-+-+"); /* other TTLs */
    struct seen s = {{0}, 0, 3};
    CU_ASSERT_EQUAL(record_set_diff(&x, &y, see, &s), 77);
    CU_ASSERT_EQUAL(s.count, 3);
    record_set_free(&x);
    record_set_free(&y);
}

static void failures_stick(void)
{
    static uint8_t big[RDATA_MAX];
    struct record_set set;
    record_set_init(&set);
    while (set.error == ERR_OK)
        record_set_add(&set, web, RR_TXT, 5, big, sizeof big);
    CU_ASSERT_EQUAL(set.error, ERR_LIMIT);
    size_t count = set.count;
    CU_ASSERT(count >= RECORD_SET_MAX / RDATA_MAX - 2);
    add_a(&set, web, 5, 1);
    CU_ASSERT_EQUAL(set.count, count);
    record_set_reset(&set);
    add_a(&set, web, 5, 1);
    CU_ASSERT_EQUAL(set.error, ERR_OK);
    CU_ASSERT_EQUAL(set.count, 1);
    record_set_free(&set);
}

static void labels(void)
{
    static const struct {
        const char *text;
        const char *label; /* NULL: none */
    } rows[] = {
        {"web", "web"},
        {"Web-1", "web-1"},
        {"_tcp", "_tcp"},
        {"", NULL},
        {"a.b", NULL},
        {"a b", NULL},
        {"\xc3\xa4", NULL},
        {"a\nb", NULL},
        {"-", "-"},
        {"*", NULL},
        {"a\\b", NULL},
        {"a\"b", NULL},
        {"123456789012345678901234567890123456789012345678901234567890123",
         "123456789012345678901234567890123456789012345678901234567890123"},
        {"1234567890123456789012345678901234567890123456789012345678901234", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char label[LABEL_TEXT_MAX] = "";
        CU_ASSERT_EQUAL(label_from_text(rows[i].text, label), rows[i].label != NULL);
        CU_ASSERT_STRING_EQUAL(label, rows[i].label != NULL ? rows[i].label : "");
    }
    CU_ASSERT_TRUE(label_is_name("web-1"));
    CU_ASSERT_FALSE(label_is_name("Web-1"));
}

static void labels_of_addresses(void)
{
    static const char *const rows[][3] = {
        {"10.0.0.1", "10-0-0-1", "10-0-0-1"},
        {"2001:db8::1", "2001-db8--1", "2001-db8--1"},
        {"2001:db8::", "2001-db8--0", "2001-db8--"},
        {"::1", "--1", "--1"},
        {"::", "--0", "--"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff-ffff-ffff-ffff-ffff-ffff-ffff-ffff",
         "ffff-ffff-ffff-ffff-ffff-ffff-ffff-ffff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ip ip;
        char label[LABEL_TEXT_MAX];
        CU_ASSERT_TRUE_FATAL(ip_from_text(rows[i][0], &ip));
        label_from_ip(&ip, label);
        CU_ASSERT_STRING_EQUAL(label, rows[i][1]);
        label_from_pod_ip(&ip, label);
        CU_ASSERT_STRING_EQUAL(label, rows[i][2]);
    }
}

static void targets(void)
{
    static const char *const good[] = {"example.com", "example.com.",        "WWW.Example.com",
                                       "a",           "_x._tcp.example.com", "1.2.3.4.5"};
    static const char *const bad[] = {
        "",     ".", "..", "a..b", ".a", "a b", "10.0.0.1", "::1", "a\\.b", "a\"b", "ex\xc3\xa4mple.com",
        "a.b.."};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_TRUE(label_is_target(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(label_is_target(bad[i]));
    char name[300];
    memset(name, 'a', sizeof name);
    for (size_t i = 60; i < sizeof name; i += 61)
        name[i] = '.';
    name[253] = '\0';
    CU_ASSERT_TRUE(label_is_target(name)); /* 255 octets on the wire */
    name[253] = 'a';
    name[254] = '\0';
    CU_ASSERT_FALSE(label_is_target(name));
}

static void texts_for_the_log(void)
{
    char out[LABEL_PRINTABLE_MAX], longer[500];
    CU_ASSERT_STRING_EQUAL(label_printable("a\nb\x1b[31m\xff", out), "a?b?[31m?");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CU_ASSERT_EQUAL(strlen(label_printable(longer, out)), LABEL_PRINTABLE_MAX - 1);
    CU_ASSERT_STRING_EQUAL(out + LABEL_PRINTABLE_MAX - 4, "...");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"records are sorted and kept once", sorted_and_each_once},
        {"the difference of two sets is what to remove and what to add", differences},
        {"a set that is full says so until it is emptied", failures_stick},
        {"labels are letters, digits, - and _, in lower case", labels},
        {"addresses make labels", labels_of_addresses},
        {"a CNAME's target is a host name and no address", targets},
        {"texts for the log are printable and short", texts_for_the_log},
    };
    return run_suite("records_set", tests, sizeof tests / sizeof tests[0]);
}
