/*
 * What a zone costs: writing and loading its file, memory a record, look-ups, and a transaction in a small
 * and in a large zone. Prints figures, checks nothing.
 *
 *     gcc -O2 -D_GNU_SOURCE -Isrc -o bench_zone tests/bench/bench_zone.c build/plain/libshared.a -lldns -lz
 * -lurcu
 *     ./bench_zone [RECORDS]        default 1000000
 *
 * The records are those of headless Services: an A and a SRV record an endpoint, a PTR-like share of AAAA.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/rcu.h"
#include "zone/journal.h"
#include "zone/zonefile.h"

#define ENDPOINTS 10 /* a Service */

static uint8_t apex[NAME_MAX_LEN];

static double seconds_since(uint64_t start)
{
    return (double)(clock_ns() - start) / 1e9;
}

static void must(int ret, const char *what, const struct errtext *e)
{
    if (ret >= 0)
        return;
    fprintf(stderr, "bench_zone: %s: %s %s\n", what, err_text(ret), e != NULL ? e->text : "");
    exit(1);
}

static struct rr record(const char *owner, uint16_t type, const uint8_t *rdata, uint16_t rdlen)
{
    static uint8_t name[NAME_MAX_LEN];
    must(name_from_text(owner, strlen(owner), name), owner, NULL);
    return (struct rr){
        .owner = name, .type = type, .class = CLASS_IN, .ttl = 30, .rdlen = rdlen, .rdata = rdata};
}

static struct rr soa(uint32_t serial)
{
    static uint8_t rdata[600];
    size_t len = (size_t)name_from_text("ns.dns.cluster.local.", 21, rdata);
    len += (size_t)name_from_text("hostmaster.cluster.local.", 25, rdata + len);
    memset(rdata + len, 0, 20);
    wire_put_u32(rdata + len, serial);
    return record("cluster.local.", RR_SOA, rdata, (uint16_t)(len + 20));
}

/* Endpoint `n`: its name, address and SRV rdata. */
static void endpoint(unsigned n, char owner[256], char srv_owner[256], uint8_t address[4], uint8_t srv[300],
                     uint16_t *srv_len)
{
    unsigned service = n / ENDPOINTS, namespace = service / 10;
    snprintf(owner, 256, "10-%u-%u-%u.service-%u.namespace-%u.svc.cluster.local.", n >> 16 & 255,
             n >> 8 & 255, n & 255, service, namespace);
    snprintf(srv_owner, 256, "_http._tcp.service-%u.namespace-%u.svc.cluster.local.", service, namespace);
    memcpy(address, (uint8_t[]){10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}, 4);
    memcpy(srv, (uint8_t[]){0, 0, 0, 100, 0, 80}, 6);
    int len = name_from_text(owner, strlen(owner), srv + 6);
    must(len, "name", NULL);
    *srv_len = (uint16_t)(6 + len);
}

static void write_zone(const char *path, unsigned records)
{
    struct zonefile_writer w;
    struct zonefile_header header = {.zone = "cluster.local.", .serial = 1};
    char owner[256], srv_owner[256];
    uint8_t address[4], srv[300];
    uint16_t srv_len;
    uint64_t start = clock_ns();
    must(zonefile_write_begin(&w, path, &header), "begin", NULL);
    struct rr rr = soa(1);
    must(zonefile_write_rr(&w, &rr), "write", NULL);
    /* in an order like the canonical one: a Service's own name, its port, its endpoints */
    for (unsigned n = 0; n < records / 3; n += ENDPOINTS) {
        for (unsigned i = n; i < n + ENDPOINTS; i++) {
            endpoint(i, owner, srv_owner, address, srv, &srv_len);
            rr = record(strchr(owner, '.') + 1, RR_A, address, 4);
            must(zonefile_write_rr(&w, &rr), "write", NULL);
        }
        for (unsigned i = n; i < n + ENDPOINTS; i++) {
            endpoint(i, owner, srv_owner, address, srv, &srv_len);
            rr = record(srv_owner, RR_SRV, srv, srv_len);
            must(zonefile_write_rr(&w, &rr), "write", NULL);
        }
        for (unsigned i = n; i < n + ENDPOINTS; i++) {
            endpoint(i, owner, srv_owner, address, srv, &srv_len);
            rr = record(owner, RR_A, address, 4);
            must(zonefile_write_rr(&w, &rr), "write", NULL);
        }
    }
    uint64_t written = w.records;
    must(zonefile_write_commit(&w), "commit", NULL);
    printf("%" PRIu64 " records written in %.2f s (with fsync)\n", written, seconds_since(start));
}

static int count_node(const struct node *n, void *ctx)
{
    (void)n;
    ++*(uint64_t *)ctx;
    return 0;
}

static size_t resident_octets(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static struct zone *load(const char *path)
{
    struct zone *z;
    struct errtext e = {0};
    malloc_trim(0);
    size_t before = resident_octets();
    uint64_t start = clock_ns(), nodes = 0;
    must(zonefile_load(path, apex, NULL, &z, &e), "load", &e);
    double took = seconds_since(start);
    uint64_t records = zone_record_count(zone_current(z));
    malloc_trim(0);
    size_t memory = resident_octets() - before;
    zone_walk(zone_current(z), count_node, &nodes);
    printf("loaded in %.2f s, %.0f ns a record; %" PRIu64 " names; %.1f octets a record, %.1f a name\n", took,
           took * 1e9 / (double)records, nodes, (double)memory / (double)records,
           (double)memory / (double)nodes);
    return z;
}

static void look_up(struct zone *z, unsigned endpoints)
{
    char owner[256], srv_owner[256];
    uint8_t address[4], srv[300], lname[NAME_MAX_LEN];
    uint16_t srv_len;
    unsigned rounds = 1000000, found = 0;
    double making = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t start = clock_ns();
        for (unsigned i = 0; i < rounds; i++) {
            unsigned n = (unsigned)((i * (uint64_t)2654435761u) % endpoints);
            endpoint(n, owner, srv_owner, address, srv, &srv_len);
            size_t len = name_lower(lname, srv + 6);
            if (pass == 1)
                found += zone_find(zone_current(z), lname, len, name_hash(lname, len)) != NULL;
        }
        double took = seconds_since(start);
        if (pass == 0)
            making = took;
        else
            printf("look-up of a random name: %.0f ns (%u of %u found)\n", (took - making) * 1e9 / rounds,
                   found, rounds);
    }
}

static void change(struct zone *z, const char *journal)
{
    struct journal_writer w;
    struct journal_reader *r;
    struct errtext e = {0};
    uint32_t serial = zone_serial(zone_current(z)), count = 10000;
    must(journal_create(&w, journal, apex, serial), "journal_create", NULL);
    must(journal_follow(journal, apex, &r, &e), "journal_follow", &e);
    uint64_t start = clock_ns(), writing = 0, applying = 0;
    for (uint32_t i = 1; i <= count; i++) {
        char owner[256];
        uint8_t address[4] = {192, 168, (uint8_t)(i >> 8), (uint8_t)i};
        start = clock_ns();
        snprintf(owner, sizeof owner, "new-%u.namespace-%u.svc.cluster.local.", i, i % 7);
        struct rr rr = record(owner, RR_A, address, 4);
        must(journal_add(&w, &rr), "add", NULL);
        must(journal_commit(&w, serial + i, false), "commit", NULL);
        writing += clock_ns() - start;
        start = clock_ns();
        int n = journal_apply(r, z, &e);
        must(n == 1 ? 0 : ERR_MALFORMED, "apply", &e);
        applying += clock_ns() - start;
    }
    rcu_drain();
    printf("a transaction of one record: %.1f us to append (no fsync), %.1f us to read and apply\n",
           (double)writing / 1e3 / count, (double)applying / 1e3 / count);
    journal_unfollow(r);
    journal_close(&w);
}

int main(int argc, char **argv)
{
    unsigned records = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    char folder[] = "/tmp/bench_zone.XXXXXX", path[4096], journal[4096];
    if (mkdtemp(folder) == NULL || name_from_text("cluster.local.", 14, apex) < 0)
        return 1;
    unsigned sizes[] = {30, records};
    for (int i = 0; i < 2; i++) {
        must(zonefile_path(folder, apex, "", ".zone", path, sizeof path), "path", NULL);
        must(zonefile_path(folder, apex, "", ".journal", journal, sizeof journal), "path", NULL);
        write_zone(path, sizes[i]);
        struct zone *z = load(path);
        look_up(z, sizes[i] / 3);
        change(z, journal);
        uint64_t start = clock_ns();
        zone_free(z);
        printf("freed in %.2f s\n\n", seconds_since(start));
        unlink(path);
        unlink(journal);
    }
    rmdir(folder);
    return 0;
}
