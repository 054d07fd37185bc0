/* The publisher and its files: in step with the objects whatever happens, whatever was on disk before. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../runner.h"
#include "base/clock.h"
#include "cluster.h"
#include "history.h"
#include "sync/publish.h"
#include "sync/publish_zone.h"
#include "zone/journal.h"
#include "zone/zonefile.h"

#define ZONE      "cluster.local"
#define HISTORIES 60
#define STEPS     60

/* ---- a folder, and a publisher that writes there ---- */

struct folder {
    char path[64];
};

static void folder_open(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/seamark-publish-XXXXXX");
    CLUSTER_MUST(mkdtemp(f->path) != NULL);
}

static char *folder_file(const struct folder *f, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", f->path, name);
    return out;
}

static void folder_close(struct folder *f)
{
    static const char *const names[] = {ZONE ".zone", ZONE ".journal", "10.in-addr.arpa.zone",
                                        "10.in-addr.arpa.journal"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(folder_file(f, names[i], path));
    CU_ASSERT_EQUAL(rmdir(f->path), 0); /* and nothing else was left there */
}

struct site {
    struct cluster cluster; /* for its block */
    struct publisher *publisher;
    struct kube_sink sink;
};

static void site_open(struct site *s, const struct folder *f, const char *options)
{
    struct errtext e = {0};
    cluster_open(&s->cluster, ZONE " 10.0.0.0/8", options);
    struct publish_options o = {.block = &s->cluster.block, .folder = f->path};
    CLUSTER_MUST(publish_new(&o, &s->publisher, &e) == ERR_OK);
    s->sink = publish_sink(s->publisher);
}

static void site_close(struct site *s)
{
    publish_free(s->publisher);
    cluster_close(&s->cluster);
}

static void put_owned(void *ctx, struct kube_object *o)
{
    struct site *s = ctx;
    s->sink.put(s->sink.ctx, o);
}

static void site_list(struct site *s, const char *cluster, const char *yaml)
{
    s->sink.cluster(s->sink.ctx, cluster);
    for (int kind = 0; kind < KUBE_KINDS; kind++)
        s->sink.list_begin(s->sink.ctx, (enum kube_kind)kind);
    cluster_each(yaml, put_owned, s);
    for (int kind = 0; kind < KUBE_KINDS; kind++)
        s->sink.list_end(s->sink.ctx, (enum kube_kind)kind, "17");
}

/* ---- what is on disk ---- */

struct contents {
    struct bytes text; /* records of file and journal together, without SOA, each line sorted in */
    uint32_t serial;
    int applied; /* transactions */
};

static int add_line(const struct node *n, void *ctx)
{
    struct bytes *lines = ctx;
    for (unsigned i = 0; i < node_rrset_count(n); i++) {
        struct rrset set;
        node_rrset_at(n, i, &set);
        const uint8_t *p = set.data;
        for (unsigned k = 0; k < set.count; k++, p += 2 + (p[0] << 8 | p[1])) {
            struct rr rr = {.owner = node_name(n),
                            .type = set.type,
                            .class = CLASS_IN,
                            .ttl = set.ttl,
                            .rdlen = (uint16_t)(p[0] << 8 | p[1]),
                            .rdata = p + 2};
            if (rr.type == RR_SOA)
                continue;
            rr_to_text(&rr, lines);
            bytes_append(lines, "\n", 1);
        }
    }
    return 0;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(struct bytes *text)
{
    size_t n = 0, count = 0;
    struct bytes sorted;
    bytes_init(&sorted, text->max);
    for (size_t i = 0; i < text->len; i++)
        count += text->data[i] == '\n';
    char **lines = calloc(count + 1, sizeof *lines);
    CLUSTER_MUST(lines != NULL);
    char *rest = text->data, *line;
    while (rest != NULL && (line = strsep(&rest, "\n")) != NULL)
        if (*line != '\0')
            lines[n++] = line;
    qsort(lines, n, sizeof *lines, compare_lines);
    for (size_t i = 0; i < n; i++)
        bytes_printf(&sorted, "%s\n", lines[i]);
    free(lines);
    bytes_free(text);
    *text = sorted;
}

/* Reads a zone as the server does. */
static void read_zone(const struct folder *f, const char *name, struct contents *out)
{
    char zone_name[64], path[256];
    uint8_t apex[NAME_MAX_LEN];
    struct zone *z;
    struct zonefile_header header;
    struct journal_reader *journal;
    struct errtext e = {0};
    *out = (struct contents){0};
    bytes_init(&out->text, 64 << 20);
    name_from_text(name, strlen(name), apex);
    snprintf(zone_name, sizeof zone_name, "%s.zone", name);
    int ret = zonefile_load(folder_file(f, zone_name, path), apex, &header, &z, &e);
    if (ret != ERR_OK)
        fprintf(stderr, "%s\n", e.text);
    CLUSTER_MUST(ret == ERR_OK);
    snprintf(zone_name, sizeof zone_name, "%s.journal", name);
    ret = journal_follow(folder_file(f, zone_name, path), apex, &journal, &e);
    if (ret == ERR_OK) {
        out->applied = journal_apply(journal, z, &e);
        if (out->applied < 0)
            fprintf(stderr, "%s\n", e.text);
        CLUSTER_MUST(out->applied >= 0);
        journal_unfollow(journal);
    }
    out->serial = zone_serial(zone_current(z));
    zone_walk(zone_current(z), add_line, &out->text);
    sort_lines(&out->text);
    zone_free(z);
}

static bool same_records(const struct folder *a, const struct folder *b, const char *zone)
{
    struct contents x, y;
    read_zone(a, zone, &x);
    read_zone(b, zone, &y);
    bool same = strcmp(x.text.data, y.text.data) == 0;
    if (!same)
        fprintf(stderr, "\n--- one\n%s--- other\n%s---\n", x.text.data, y.text.data);
    bytes_free(&x.text);
    bytes_free(&y.text);
    return same;
}

static uint32_t serial_of(const struct folder *f, int *applied)
{
    struct contents c;
    read_zone(f, ZONE, &c);
    bytes_free(&c.text);
    if (applied != NULL)
        *applied = c.applied;
    return c.serial;
}

#define NAMESPACE "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
#define WEB(ip)                                                                                              \
    "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\n"                                   \
    "spec: {clusterIP: " ip ", ports: [{name: http, port: 80}]}\n---\n"

/* ---- tests ---- */

static void nothing_before_every_list(void)
{
    struct folder f;
    struct site s;
    char path[256];
    folder_open(&f);
    site_open(&s, &f, "");
    s.sink.cluster(s.sink.ctx, "c1");
    for (int kind = 0; kind < KUBE_KINDS; kind++)
        s.sink.list_begin(s.sink.ctx, (enum kube_kind)kind);
    cluster_each(NAMESPACE WEB("10.0.0.1"), put_owned, &s);
    s.sink.list_end(s.sink.ctx, KUBE_NAMESPACE, "1");
    s.sink.list_end(s.sink.ctx, KUBE_SERVICE, "1");
    CU_ASSERT_FALSE(publish_live(s.publisher));
    CU_ASSERT_EQUAL(publish_wait_ms(s.publisher), -1);
    CU_ASSERT_NOT_EQUAL(access(folder_file(&f, ZONE ".zone", path), F_OK), 0);
    s.sink.list_end(s.sink.ctx, KUBE_ENDPOINTSLICE, "1"); /* pods are not wanted */
    CU_ASSERT_TRUE(publish_live(s.publisher));
    CU_ASSERT_EQUAL(access(folder_file(&f, ZONE ".zone", path), F_OK), 0);
    site_close(&s);
    folder_close(&f);
}

static void one_change_at_once_more_together(void)
{
    struct folder f;
    struct site s;
    int applied;
    folder_open(&f);
    site_open(&s, &f, "");
    site_list(&s, "c1", NAMESPACE WEB("10.0.0.1"));
    uint32_t first = serial_of(&f, NULL);
    usleep((PUBLISH_WAIT_MS + 2) * 1000);
    cluster_each(WEB("10.0.0.2"), put_owned, &s);
    CU_ASSERT_EQUAL(publish_wait_ms(s.publisher), 0);
    publish_run(s.publisher);
    CU_ASSERT_EQUAL(publish_wait_ms(s.publisher), -1);
    CU_ASSERT(serial_of(&f, &applied) > first);
    CU_ASSERT_EQUAL(applied, 1);
    cluster_each(WEB("10.0.0.3"), put_owned, &s);
    cluster_each(WEB("10.0.0.4"), put_owned, &s);
    CU_ASSERT(publish_wait_ms(s.publisher) <= PUBLISH_WAIT_MS);
    usleep((PUBLISH_WAIT_MS + 2) * 1000);
    publish_run(s.publisher);
    serial_of(&f, &applied);
    CU_ASSERT_EQUAL(applied, 2);
    cluster_each(WEB("10.0.0.4"), put_owned, &s); /* no news */
    CU_ASSERT_EQUAL(publish_wait_ms(s.publisher), -1);
    site_close(&s);
    folder_close(&f);
}

static void a_full_batch_does_not_wait(void)
{
    struct folder f;
    struct site s;
    int applied;
    folder_open(&f);
    site_open(&s, &f, "");
    site_list(&s, "c1", NAMESPACE);
    for (int i = 0; i < PUBLISH_BATCH_MAX + 10; i++) {
        char yaml[200];
        snprintf(yaml, sizeof yaml,
                 "apiVersion: v1\nkind: Service\nmetadata: {name: s%d, namespace: a}\n"
                 "spec: {clusterIP: 172.16.%d.%d}\n",
                 i, i / 250, i % 250);
        cluster_each(yaml, put_owned, &s);
    }
    serial_of(&f, &applied);
    CU_ASSERT_EQUAL(applied, 1);
    CU_ASSERT_EQUAL(publish_finish(s.publisher), ERR_OK);
    serial_of(&f, &applied);
    CU_ASSERT_EQUAL(applied, 2);
    site_close(&s);
    folder_close(&f);
}

static void another_cluster_is_a_new_file(void)
{
    struct folder f;
    struct site s;
    int applied;
    folder_open(&f);
    site_open(&s, &f, "");
    site_list(&s, "c1", NAMESPACE WEB("10.0.0.1"));
    uint32_t first = serial_of(&f, NULL);
    site_close(&s);
    site_open(&s, &f, "");
    site_list(&s, "c2", NAMESPACE WEB("10.0.0.1"));
    CU_ASSERT(serial_of(&f, &applied) > first);
    CU_ASSERT_EQUAL(applied, 0);
    char path[256];
    struct zonefile_header header;
    CU_ASSERT_EQUAL(zonefile_read_header(folder_file(&f, ZONE ".zone", path), &header, NULL), ERR_OK);
    CU_ASSERT_STRING_EQUAL(header.cluster, "c2");
    CU_ASSERT_STRING_EQUAL(header.versions, "namespaces=17 services=17 endpointslices=17");
    site_close(&s);
    folder_close(&f);
}

static void another_cluster_under_the_same_address(void)
{
    struct folder f;
    struct site s;
    int applied;
    folder_open(&f);
    site_open(&s, &f, "");
    site_list(&s, "c1", NAMESPACE WEB("10.0.0.1"));
    uint32_t first = serial_of(&f, NULL);
    site_list(&s, "c2", NAMESPACE WEB("10.0.0.2"));
    CU_ASSERT_EQUAL(publish_finish(s.publisher), ERR_OK);
    CU_ASSERT(serial_of(&f, &applied) > first);
    CU_ASSERT_EQUAL(applied, 0);
    char path[256];
    struct zonefile_header header;
    CU_ASSERT_EQUAL(zonefile_read_header(folder_file(&f, ZONE ".zone", path), &header, NULL), ERR_OK);
    CU_ASSERT_STRING_EQUAL(header.cluster, "c2");
    site_close(&s);
    folder_close(&f);
}

/* ---- random histories, with restarts in between ---- */

static void history_put(void *ctx, const struct kube_object *o)
{
    struct site *s = ctx;
    struct kube_object *copy =
        malloc(sizeof *copy); /* what it points to stays, as the sink reads it at once */
    CLUSTER_MUST(copy != NULL);
    *copy = *o;
    s->sink.put(s->sink.ctx, copy);
}

static void history_remove(void *ctx, enum kube_kind kind, const char *namespace, const char *name)
{
    struct site *s = ctx;
    s->sink.remove(s->sink.ctx, kind, namespace, name);
}

static void history_begin(void *ctx, enum kube_kind kind)
{
    struct site *s = ctx;
    s->sink.list_begin(s->sink.ctx, kind);
}

static void history_end(void *ctx, enum kube_kind kind)
{
    struct site *s = ctx;
    s->sink.list_end(s->sink.ctx, kind, "");
}

static struct history_taker site_taker(struct site *s)
{
    return (struct history_taker){s, history_put, history_remove, history_begin, history_end};
}

static void list_all(const struct history *h, struct site *s)
{
    struct history_taker taker = site_taker(s);
    s->sink.cluster(s->sink.ctx, "c1");
    for (int kind = 0; kind < KUBE_KINDS; kind++)
        history_list(h, (enum kube_kind)kind, &taker);
}

static bool run_history(uint64_t seed)
{
    static const char options[] = "pods verified\nendpoint_pod_names";
    struct folder f, fresh;
    struct site s, last;
    struct history h = {.random = seed};
    uint32_t serial = 0;
    bool right = true;
    folder_open(&f);
    folder_open(&fresh);
    site_open(&s, &f, options);
    list_all(&h, &s);
    for (size_t i = 0; i < STEPS; i++) {
        struct history_taker taker = site_taker(&s);
        history_step(&h, &taker);
        if (history_random(&h.random, 4) == 0)
            right = right && publish_finish(s.publisher) == ERR_OK;
        if (history_random(&h.random, 12) == 0) { /* killed, and started again */
            uint32_t now = serial_of(&f, NULL);
            right = right && now >= serial;
            serial = now;
            site_close(&s);
            site_open(&s, &f, options);
            list_all(&h, &s);
        }
    }
    right = right && publish_finish(s.publisher) == ERR_OK;
    site_open(&last, &fresh, options);
    list_all(&h, &last);
    right = right && same_records(&f, &fresh, ZONE) && same_records(&f, &fresh, "10.in-addr.arpa");
    site_close(&s);
    site_close(&last);
    folder_close(&f);
    folder_close(&fresh);
    return right;
}

static void histories(void)
{
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        if (!run_history(seed * 104729)) {
            fprintf(stderr, "seed %llu\n", (unsigned long long)seed * 104729);
            CU_FAIL("what is on disk is not what the objects make");
            return;
        }
}

/* ---- writing the zone file anew ---- */

static void change_zone(struct publish_zone *p, char op, const char *line)
{
    static struct rr_storage storage;
    struct rr rr;
    CLUSTER_MUST(rr_from_text(line, strlen(line), &storage, &rr) == ERR_OK);
    publish_zone_change(p, "test", op, &rr);
}

static void rewriting_keeps_what_comes_meanwhile(void)
{
    struct folder f;
    struct cluster c;
    struct publish_zone p;
    struct contents on_disk;
    struct zonefile_header header;
    char path[256];
    folder_open(&f);
    cluster_open(&c, ZONE, "");
    cluster_put(&c, NAMESPACE WEB("10.0.0.1"));
    struct publish_source source = {
        .rules = &c.rules, .store = c.store, .identity = "i", .cluster = "c", .versions = ""};
    CU_ASSERT_EQUAL(publish_zone_init(&p, f.path, cluster_zone(&c, ZONE ".")), ERR_OK);
    CU_ASSERT_EQUAL(publish_zone_sync(&p, &source), ERR_OK);
    cluster_put(&c, WEB("10.0.0.2"));
    change_zone(&p, '-', "web.a.svc.cluster.local. 5 IN A 10.0.0.1");
    change_zone(&p, '+', "web.a.svc.cluster.local. 5 IN A 10.0.0.2");
    change_zone(&p, '-', "_http._tcp.web.a.svc.cluster.local. 5 IN A 10.0.0.1");
    change_zone(&p, '+', "_http._tcp.web.a.svc.cluster.local. 5 IN A 10.0.0.2");
    CU_ASSERT_EQUAL(publish_zone_commit(&p), ERR_OK);
    uint32_t serial = p.serial;
    CU_ASSERT_EQUAL(publish_zone_rewrite(&p, &source), ERR_OK);
    change_zone(&p, '+', "late.cluster.local. 5 IN A 10.0.0.9"); /* while the child is at it */
    CU_ASSERT_EQUAL(publish_zone_commit(&p), ERR_OK);
    change_zone(&p, '+', "later.cluster.local. 5 IN A 10.0.0.9"); /* and one that is not committed yet */
    CU_ASSERT_EQUAL(publish_zone_reap(&p, true), ERR_OK);
    CU_ASSERT_EQUAL(zonefile_read_header(folder_file(&f, ZONE ".zone", path), &header, NULL), ERR_OK);
    CU_ASSERT_EQUAL(header.serial, serial);
    read_zone(&f, ZONE, &on_disk);
    CU_ASSERT_EQUAL(on_disk.applied, 1);
    CU_ASSERT_EQUAL(on_disk.serial, p.serial);
    CU_ASSERT_PTR_NOT_NULL(strstr(on_disk.text.data, "\nlate.cluster.local."));
    CU_ASSERT_PTR_NOT_NULL(strstr(on_disk.text.data, "\nweb.a.svc.cluster.local.\t5\tIN\tA\t10.0.0.2"));
    CU_ASSERT_PTR_NULL(strstr(on_disk.text.data, "later."));
    bytes_free(&on_disk.text);
    CU_ASSERT_EQUAL(publish_zone_commit(&p), ERR_OK);
    read_zone(&f, ZONE, &on_disk);
    CU_ASSERT_EQUAL(on_disk.applied, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(on_disk.text.data, "\nlater.cluster.local."));
    bytes_free(&on_disk.text);
    publish_zone_close(&p);
    cluster_close(&c);
    folder_close(&f);
}

static void rewriting_that_fails_costs_nothing(void)
{
    struct folder f;
    struct cluster c;
    struct publish_zone p;
    struct contents on_disk;
    char path[256];
    folder_open(&f);
    cluster_open(&c, ZONE, "");
    cluster_put(&c, NAMESPACE WEB("10.0.0.1"));
    struct publish_source source = {
        .rules = &c.rules, .store = c.store, .identity = "i", .cluster = "c", .versions = ""};
    CU_ASSERT_EQUAL(publish_zone_init(&p, f.path, cluster_zone(&c, ZONE ".")), ERR_OK);
    CU_ASSERT_EQUAL(publish_zone_sync(&p, &source), ERR_OK);
    CU_ASSERT_EQUAL(mkdir(folder_file(&f, ZONE ".zone.tmp", path), 0755),
                    0); /* the temporary file cannot be made */
    CU_ASSERT_EQUAL(publish_zone_rewrite(&p, &source), ERR_OK);
    CU_ASSERT_EQUAL(publish_zone_reap(&p, true), ERR_OK);
    CU_ASSERT_EQUAL(p.state, ZONE_OPEN);
    CU_ASSERT(p.rewrite_after_ms > clock_ms());
    CU_ASSERT_EQUAL(rmdir(path), 0);
    change_zone(&p, '+', "late.cluster.local. 5 IN A 10.0.0.9");
    CU_ASSERT_EQUAL(publish_zone_commit(&p), ERR_OK);
    read_zone(&f, ZONE, &on_disk);
    CU_ASSERT_EQUAL(on_disk.applied, 1);
    bytes_free(&on_disk.text);
    CU_ASSERT_EQUAL(publish_zone_rewrite(&p, &source), ERR_OK); /* and one that is stopped */
    publish_zone_close(&p);
    CU_ASSERT_EQUAL(p.child, 0);
    unlink(path);
    cluster_close(&c);
    folder_close(&f);
}

/* ---- trouble ---- */

static void what_could_not_be_written_is_written_later(void)
{
    struct folder f;
    struct site s;
    char path[256], aside[256];
    int applied;
    folder_open(&f);
    site_open(&s, &f, "");
    folder_file(&f, ZONE ".zone.tmp", aside);
    CU_ASSERT_EQUAL(mkdir(aside, 0755), 0);
    site_list(&s, "c1", NAMESPACE WEB("10.0.0.1"));
    CU_ASSERT_TRUE(publish_live(s.publisher));
    CU_ASSERT_NOT_EQUAL(access(folder_file(&f, ZONE ".zone", path), F_OK), 0);
    CU_ASSERT(publish_wait_ms(s.publisher) > 0); /* it will be tried again */
    cluster_each(WEB("10.0.0.2"), put_owned, &s);
    CU_ASSERT_EQUAL(rmdir(aside), 0);
    CU_ASSERT_EQUAL(publish_finish(s.publisher), ERR_OK);
    serial_of(&f, &applied);
    CU_ASSERT_EQUAL(applied, 0); /* a new file, with all of it */
    CU_ASSERT_EQUAL(publish_wait_ms(s.publisher), -1);
    site_close(&s);
    folder_close(&f);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"nothing is written before every kind was listed", nothing_before_every_list},
        {"a change is written at once, those that follow together", one_change_at_once_more_together},
        {"a full batch does not wait", a_full_batch_does_not_wait},
        {"another cluster is a new file", another_cluster_is_a_new_file},
        {"so is another cluster under the same address", another_cluster_under_the_same_address},
        {"random histories with restarts leave on disk what the objects make", histories},
        {"a zone file written anew loses nothing that comes meanwhile", rewriting_keeps_what_comes_meanwhile},
        {"a zone file that cannot be written anew costs nothing", rewriting_that_fails_costs_nothing},
        {"what could not be written is written later", what_could_not_be_written_is_written_later},
    };
    return run_suite("publish", tests, sizeof tests / sizeof tests[0]);
}
