/* Incremental transfers, applied by a secondary that takes RFC 1995 at its word. */
#include "zone/zone_ixfr.h"

#include "base/cursor.h"
#include "journal_cases.h"

static char *folder;
static char path[4096];
static struct reply reply;
static struct query q;

/* The answer's records as lines, "owner TTL IN TYPE rdata". */
static struct rr_storage storage;
static char **lines;
static size_t nlines;
static unsigned messages;

static void forget_lines(void)
{
    while (nlines > 0)
        free(lines[--nlines]);
    free(lines);
    lines = NULL;
}

static void add_line(const struct rr *rr)
{
    struct bytes line;
    bytes_init(&line, 1 << 20);
    CU_ASSERT_EQUAL(rr_to_text(rr, &line), ERR_OK);
    lines = realloc(lines, (nlines + 1) * sizeof *lines);
    lines[nlines++] = line.data;
}

static void read_message(const uint8_t *message, size_t len)
{
    size_t at = DNS_HEADER_LEN + q.qname_len + 4;
    CU_ASSERT_EQUAL(wire_u16(message), q.id);
    CU_ASSERT_EQUAL(wire_u16(message + 2) & (FLAG_QR | FLAG_AA | FLAG_TC | 15), FLAG_QR | FLAG_AA);
    for (unsigned left = wire_u16(message + 6); left > 0; left--) {
        struct rr rr = {.owner = storage.owner, .rdata = storage.rdata};
        int used = name_unpack(message, len, at, storage.owner);
        CU_ASSERT_TRUE_FATAL(used > 0);
        at += (size_t)used;
        rr.type = wire_u16(message + at);
        rr.class = wire_u16(message + at + 2);
        rr.ttl = wire_u32(message + at + 4);
        uint16_t rdlen = wire_u16(message + at + 8);
        int unpacked = rdata_unpack(message, len, at + 10, rdlen, rr.type, storage.rdata);
        CU_ASSERT_TRUE_FATAL(unpacked >= 0);
        rr.rdlen = (uint16_t)unpacked;
        at += 10u + rdlen;
        add_line(&rr);
    }
    CU_ASSERT_EQUAL(at, len);
    messages++;
}

/* Makes the answer for a client at `from`; its records are in `lines` then. */
static int make(const struct zone *z, const struct journal_history *h, uint32_t from, size_t max)
{
    struct bytes out;
    struct zone_ixfr x = {.version = zone_current(z), .query = &q, .reply = &reply, .out = &out};
    forget_lines();
    messages = 0;
    bytes_init(&out, max);
    query_make(&q, name_of("cluster.local."), RR_IXFR);
    q.id = 0x1234;
    int ret = zone_ixfr_make(&x, h, from);
    for (size_t at = 0; ret == ERR_OK && at < out.len;) {
        const uint8_t *p = (const uint8_t *)out.data + at;
        read_message(p + 2, wire_u16(p));
        at += 2u + wire_u16(p);
    }
    CU_ASSERT_TRUE(ret != ERR_OK || x.records == nlines);
    bytes_free(&out);
    return ret;
}

static bool is_soa(const char *line, unsigned *serial)
{
    const char *rdata = strstr(line, "\tSOA\t");
    return rdata != NULL && sscanf(rdata, "\tSOA\t%*s %*s %u", serial) == 1;
}

/* Applies the answer to a zone: what it removes must be there, and what it adds must not. */
static void apply(struct zone *z)
{
    unsigned last, serial = 0;
    bool adding = true;
    struct zone_txn *t = NULL;
    CU_ASSERT_TRUE_FATAL(nlines >= 2 && is_soa(lines[0], &last) && is_soa(lines[nlines - 1], &serial));
    CU_ASSERT_EQUAL(last, serial);
    for (size_t i = 1; i < nlines - 1; i++) {
        if (is_soa(lines[i], &serial)) {
            adding = !adding;
            if (!adding) {
                CU_ASSERT_TRUE(t == NULL || zone_commit(t) == ERR_OK);
                CU_ASSERT_EQUAL(zone_serial(zone_current(z)), serial);
                t = zone_begin(z);
            }
            CU_ASSERT_EQUAL((adding ? zone_add : zone_remove)(t, record_of(lines[i])), ERR_OK);
            continue;
        }
        CU_ASSERT_PTR_NOT_NULL_FATAL(t);
        int ret = (adding ? zone_add : zone_remove)(t, record_of(lines[i]));
        if (ret != ERR_OK)
            fprintf(stderr, "%c %s: %s\n", adding ? '+' : '-', lines[i], err_text(ret));
        CU_ASSERT_EQUAL(ret, ERR_OK);
    }
    CU_ASSERT_TRUE(adding);
    CU_ASSERT_TRUE(t == NULL || zone_commit(t) == ERR_OK);
    CU_ASSERT_EQUAL(zone_serial(zone_current(z)), last);
}

static void expect_same(const struct zone *a, const struct zone *b)
{
    char *x = dump_of(a), *y = dump_of(b);
    CU_ASSERT_STRING_EQUAL(x, y);
    free(x);
    free(y);
}

static struct journal_history *begin(void)
{
    folder = make_folder();
    snprintf(path, sizeof path, "%s/cluster.local.journal", folder);
    return journal_history_new(path, name_of("cluster.local."));
}

static void end(struct journal_history *h)
{
    journal_history_free(h);
    forget_lines();
    remove_folder(folder);
}

static void each_transaction_is_a_difference_sequence(void)
{
    struct journal_history *h = begin();
    write_journal(path);
    journal_history_look(h);
    struct zone *z = zone_after(3), *old = zone_after(1);
    CU_ASSERT_EQUAL_FATAL(make(z, h, 101, 1 << 20), ERR_OK);
    static const char *const expected[] = {"104", "101", "A\t10.96.1.1", "103", "A\t10.96.1.2",
                                           "103", "104", "TXT",          "104"};
    CU_ASSERT_EQUAL_FATAL(nlines, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < nlines; i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(lines[i], expected[i]));
        CU_ASSERT_EQUAL(strstr(lines[i], "SOA") != NULL, strlen(expected[i]) == 3 && expected[i][0] == '1');
    }
    CU_ASSERT_EQUAL(messages, 1);
    apply(old);
    expect_same(old, z);
    CU_ASSERT_EQUAL(make(z, h, 99, 1 << 20), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(make(z, h, 100, 100), ERR_LIMIT);
    zone_free(z);
    zone_free(old);
    end(h);
}

static void a_transaction_tells_what_it_comes_to(void)
{
    static const char *const there[] = {"a.cluster.local. 5 IN A 10.0.0.1",
                                        "b.cluster.local. 5 IN A 10.0.0.2",
                                        "c.cluster.local. 5 IN A 10.0.0.3", NULL};
    static const char *const change[] = {"- a.cluster.local. 5 IN A 10.0.0.1",
                                         "+ a.cluster.local. 5 IN A 10.0.0.1", /* stays */
                                         "- b.cluster.local. 5 IN A 10.0.0.2",
                                         "+ b.cluster.local. 9 IN A 10.0.0.2", /* another TTL */
                                         "+ d.cluster.local. 5 IN A 10.0.0.4",
                                         "- d.cluster.local. 5 IN A 10.0.0.4", /* never was */
                                         "- c.cluster.local. 5 IN A 10.0.0.3",
                                         "+ c.cluster.local. 5 IN A 10.0.0.3",
                                         "- c.cluster.local. 5 IN A 10.0.0.3", /* goes */
                                         "+ e.cluster.local. 5 IN A 10.0.0.5",
                                         "- e.cluster.local. 5 IN A 10.0.0.5",
                                         "+ E.cluster.local. 5 IN A 10.0.0.5", /* comes */
                                         NULL};
    struct journal_history *h = begin();
    struct journal_writer w;
    struct errtext e;
    CU_ASSERT_EQUAL_FATAL(journal_create(&w, path, name_of("cluster.local."), 100), ERR_OK);
    commit(&w, 101, change);
    journal_close(&w);
    journal_history_look(h);
    struct zone *z = zone_of(there), *old = zone_of(there);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 1);
    CU_ASSERT_EQUAL_FATAL(make(z, h, 100, 1 << 20), ERR_OK);
    CU_ASSERT_EQUAL(nlines, 4 + 4); /* b and c go, b and e come */
    apply(old);
    expect_same(old, z);
    zone_free(z);
    zone_free(old);
    end(h);
}

/* ---- long random histories ---- */

#define OWNERS 40
#define TXNS   400

static void random_transaction(struct journal_writer *w, bool has[OWNERS], unsigned *seed, uint32_t serial)
{
    char line[128];
    for (unsigned n = 1 + (unsigned)rand_r(seed) % 30; n > 0; n--) {
        unsigned i = (unsigned)rand_r(seed) % OWNERS;
        snprintf(line, sizeof line, "n%u.svc.cluster.local. 5 IN A 10.0.0.%u", i / 2, i % 2 + 1);
        CU_ASSERT_EQUAL((has[i] ? journal_remove : journal_add)(w, record_of(line)), ERR_OK);
        has[i] = !has[i];
    }
    CU_ASSERT_EQUAL(journal_commit(w, serial, false), ERR_OK);
}

static void any_serial_of_a_long_history_is_brought_up_to_date(void)
{
    static const unsigned behind[] = {1, 2, 3, 4, 5, 6, 8, 10, 50, 200, TXNS};
    enum { SECONDARIES = sizeof behind / sizeof behind[0] };
    struct journal_history *h = begin();
    bool has[OWNERS] = {false};
    unsigned seed = 1, full = 0;
    struct journal_writer w;
    struct errtext e;
    struct zone *z = zone_of(NULL), *old[SECONDARIES];
    CU_ASSERT_EQUAL_FATAL(journal_create(&w, path, name_of("cluster.local."), 100), ERR_OK);
    for (unsigned i = 0; i < TXNS; i++) {
        for (unsigned k = 0; k < SECONDARIES; k++)
            if (i == TXNS - behind[k]) { /* a secondary stays where the zone is now */
                old[k] = zone_of(NULL);
                CU_ASSERT_EQUAL(apply_once(path, old[k], &e), (int)i);
            }
        random_transaction(&w, has, &seed, 101 + i);
    }
    CU_ASSERT_EQUAL(apply_once(path, z, &e), TXNS);
    journal_history_look(h);
    for (unsigned k = 0; k < SECONDARIES; k++) {
        int ret = make(z, h, zone_serial(zone_current(old[k])), 16 << 20);
        if (ret == ERR_OK) {
            apply(old[k]);
            expect_same(old[k], z);
        }
        full += ret == ERR_LIMIT; /* many changes of a small zone */
        CU_ASSERT_TRUE(ret == ERR_LIMIT ? behind[k] > 10 : ret == ERR_OK);
        zone_free(old[k]);
    }
    CU_ASSERT_EQUAL(full, 3);
    journal_close(&w);
    zone_free(z);
    end(h);
}

static void a_large_difference_is_several_messages(void)
{
    struct journal_history *h = begin();
    struct journal_writer w;
    struct errtext e;
    char line[128];
    struct zone *z = zone_of(NULL);
    CU_ASSERT_EQUAL_FATAL(journal_create(&w, path, name_of("cluster.local."), 100), ERR_OK);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(line, sizeof line, "n%u.ns%u.svc.cluster.local. 5 IN A 10.0.%u.%u", i, i % 7, i >> 8,
                 i & 255);
        CU_ASSERT_EQUAL(journal_add(&w, record_of(line)), ERR_OK);
        if (i == 2500)
            CU_ASSERT_EQUAL(journal_commit(&w, 101, false), ERR_OK);
    }
    CU_ASSERT_EQUAL(journal_commit(&w, 102, false), ERR_OK);
    journal_close(&w);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 2);
    journal_history_look(h);
    CU_ASSERT_EQUAL(make(z, h, 100, 16 << 20), ERR_LIMIT); /* all of the zone, and SOAs besides */
    CU_ASSERT_EQUAL_FATAL(make(z, h, 101, 16 << 20), ERR_OK);
    CU_ASSERT_TRUE(messages > 2 && messages < 10);
    CU_ASSERT_EQUAL(nlines, 4 + 2499);
    zone_free(z);
    end(h);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"each transaction is a difference sequence", each_transaction_is_a_difference_sequence},
        {"a transaction tells what it comes to", a_transaction_tells_what_it_comes_to},
        {"any serial of a long history is brought up to date",
         any_serial_of_a_long_history_is_brought_up_to_date},
        {"a large difference is several messages", a_large_difference_is_several_messages},
    };
    return run_suite("zone/ixfr", tests, sizeof tests / sizeof tests[0]);
}
