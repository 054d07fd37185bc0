/* A zone that is followed on disk, where no server can be brought to in the time of a test. */
#include "serve/zone_watch.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../runner.h"
#include "base/rcu.h"
#include "dns/rr.h"
#include "zone/journal.h"
#include "zone/zone_p.h"
#include "zone/zonefile.h"

#define IDENTITY "the source"

static const uint8_t apex[] = "\7cluster\5local";
static char folder[] = "/tmp/seamark-watch-XXXXXX";
static char zone_path[256], journal_path[256];
static struct event_base *base;

static const struct rr *record_of(const char *line)
{
    static struct rr_storage storage;
    static struct rr rr;
    CU_ASSERT_EQUAL_FATAL(rr_from_text(line, strlen(line), &storage, &rr), ERR_OK);
    return &rr;
}

static void write_zone(uint32_t serial, const char *record)
{
    char soa[200];
    struct zonefile_writer w;
    struct zonefile_header header = {.zone = "cluster.local.", .serial = serial, .source = IDENTITY};
    snprintf(soa, sizeof soa, "cluster.local. 5 IN SOA ns.cluster.local. h.cluster.local. %u 1 1 1 1",
             serial);
    CU_ASSERT_EQUAL_FATAL(zonefile_write_begin(&w, zone_path, &header), ERR_OK);
    zonefile_write_rr(&w, record_of(soa));
    zonefile_write_rr(&w, record_of(record));
    CU_ASSERT_EQUAL_FATAL(zonefile_write_commit(&w), ERR_OK);
}

static void append(struct journal_writer *j, char op, const char *record, uint32_t serial)
{
    CU_ASSERT_EQUAL(op == '-' ? journal_remove(j, record_of(record)) : journal_add(j, record_of(record)),
                    ERR_OK);
    CU_ASSERT_EQUAL(journal_commit(j, serial, false), ERR_OK);
}

static uint32_t serial_of(const struct watched_zone *w)
{
    rcu_reader_begin();
    uint32_t serial = zone_serial(zone_current(watched_zone_read(w)));
    rcu_reader_end();
    return serial;
}

/* Until the zone is another one (`not` is that before) at this serial; false where that takes too long. */
static bool becomes(const struct watched_zone *w, const struct zone * not, uint32_t serial)
{
    for (unsigned i = 0; i < 1000; i++) {
        if (watched_zone_read(w) != not &&serial_of(w) == serial)
            return true;
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(10000);
    }
    return false;
}

static void a_zone_that_has_had_two_thousand_million_transactions_is_loaded_anew(void)
{
    struct journal_writer j;
    write_zone(100, "a.cluster.local. 5 IN A 10.0.0.1");
    CU_ASSERT_EQUAL_FATAL(journal_create(&j, journal_path, apex, 100), ERR_OK);
    append(&j, '+', "b.cluster.local. 5 IN A 10.0.0.2", 101);
    struct watched_zone *w = zone_watch_acquire(apex, "", IDENTITY);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    const struct zone *first = watched_zone_read(w);
    CU_ASSERT_EQUAL(serial_of(w), 101);

    write_zone(100, "a.cluster.local. 5 IN A 10.0.0.1"); /* what is served is past it */
    append(&j, '+', "c.cluster.local. 5 IN A 10.0.0.3", 102);
    CU_ASSERT(becomes(w, NULL, 102));
    CU_ASSERT_PTR_EQUAL(watched_zone_read(w), first);

    ((struct zone *)(uintptr_t)first)->edit_id = UINT32_MAX / 2 + 1;
    write_zone(100, "a.cluster.local. 5 IN A 10.0.0.1");
    CU_ASSERT(becomes(w, first, 102)); /* by the file and then the journal, from its beginning */
    CU_ASSERT(watched_zone_read(w)->edit_id < 10);
    append(&j, '-', "b.cluster.local. 5 IN A 10.0.0.2", 103);
    CU_ASSERT(becomes(w, NULL, 103));

    journal_close(&j);
    zone_watch_release(w);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a zone that has had two thousand million transactions is loaded anew",
         a_zone_that_has_had_two_thousand_million_transactions_is_loaded_anew},
    };
    struct errtext e = {0};
    base = event_base_new();
    rcu_reader_register();
    if (base == NULL || mkdtemp(folder) == NULL || zone_watch_start(base, folder, &e) != ERR_OK ||
        zonefile_path(folder, apex, "", ".zone", zone_path, sizeof zone_path) != ERR_OK ||
        zonefile_path(folder, apex, "", ".journal", journal_path, sizeof journal_path) != ERR_OK)
        return 2;
    int status = run_suite("serve/zone_watch", tests, sizeof tests / sizeof tests[0]);
    zone_watch_stop();
    rcu_drain();
    rcu_reader_unregister();
    event_base_free(base);
    unlink(zone_path);
    unlink(journal_path);
    rmdir(folder);
    return status;
}
