#include "sync/publish_zone.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "sync/publish_compare.h"
#include "zone/serial.h"

int publish_zone_init(struct publish_zone *p, const char *folder, const struct record_zone *zone)
{
    *p = (struct publish_zone){.zone = zone};
    zonefile_title(zone->apex, zone->view, p->title);
    int ret = zonefile_path(folder, zone->apex, zone->view, ".zone", p->zone_path, sizeof p->zone_path);
    if (ret == ERR_OK)
        ret = zonefile_path(folder, zone->apex, zone->view, ".journal", p->journal_path,
                            sizeof p->journal_path);
    return ret;
}

void publish_zone_close(struct publish_zone *p)
{
    publish_zone_stop_rewrite(p);
    if (p->journal_open)
        journal_close(&p->journal);
    p->journal_open = false;
    p->state = ZONE_CLOSED;
}

/* As CoreDNS, the serial is the time of the change; but it always goes up (RFC 1982). */
static uint32_t next_serial(uint32_t last)
{
    uint32_t now = (uint32_t)(clock_wall_ms() / 1000);
    if (last == 0 || serial_after(now, last))
        return now;
    return last + 1;
}

/* ---- whole files ---- */

static void fill_header(const struct publish_zone *p, const struct publish_source *s, uint32_t serial,
                        struct zonefile_header *h)
{
    char now[CLOCK_RFC3339_MAX];
    *h = (struct zonefile_header){.serial = serial};
    name_to_text(p->zone->apex, h->zone);
    snprintf(h->rendered, sizeof h->rendered, "%s", clock_rfc3339(clock_wall_ms(), now));
    snprintf(h->source, sizeof h->source, "%s", s->identity);
    snprintf(h->cluster, sizeof h->cluster, "%s", s->cluster);
    snprintf(h->versions, sizeof h->versions, "%s", s->versions);
}

/* Calls write for every record of the zone; with none it counts them. */
static int stream_records(const struct publish_zone *p, const struct publish_source *s, uint32_t serial,
                          struct zonefile_writer *w, uint64_t *count)
{
    struct record_stream *stream = record_stream_open(s->rules, p->zone, s->store, serial);
    struct rr rr;
    int ret = stream == NULL ? -ENOMEM : 1;
    *count = 0;
    while (ret == 1 && (ret = record_stream_next(stream, &rr)) == 1) {
        if (w != NULL && zonefile_write_rr(w, &rr) != ERR_OK)
            ret = w->error;
        ++*count;
    }
    record_stream_close(stream);
    return ret;
}

int publish_zone_write_file(struct publish_zone *p, const struct publish_source *s, uint32_t serial)
{
    struct zonefile_header header;
    struct zonefile_writer w;
    uint64_t count;
    fill_header(p, s, serial, &header);
    int ret = stream_records(p, s, serial, NULL, &header.records);
    if (ret == ERR_OK)
        ret = zonefile_write_begin(&w, p->zone_path, &header);
    if (ret != ERR_OK)
        return ret;
    ret = stream_records(p, s, serial, &w, &count);
    if (ret == ERR_OK)
        ret = zonefile_write_commit(&w);
    else
        zonefile_write_abort(&w);
    return ret;
}

static void note_size(struct publish_zone *p)
{
    struct stat st;
    p->file_size = stat(p->zone_path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* A fresh journal upon the file just written. Until it is in place the old one stands there, whose
 * transactions are all at or below the file's serial: a reader skips them. */
static int new_journal(struct publish_zone *p, uint32_t serial)
{
    struct journal_writer journal;
    int ret = journal_create(&journal, p->journal_path, p->zone->apex, serial);
    if (ret != ERR_OK)
        return ret;
    if (p->journal_open)
        journal_close(&p->journal);
    p->journal = journal;
    p->journal_open = true;
    p->serial = serial;
    p->state = ZONE_OPEN;
    return ERR_OK;
}

static int write_anew(struct publish_zone *p, const struct publish_source *s, uint32_t serial)
{
    int ret = publish_zone_write_file(p, s, serial);
    if (ret == ERR_OK)
        ret = new_journal(p, serial);
    note_size(p);
    return ret;
}

bool publish_zone_outgrown(const struct publish_zone *p)
{
    uint64_t size = p->state == ZONE_OPEN ? (uint64_t)p->journal.committed : 0;
    return size > PUBLISH_JOURNAL_MIN && size > p->file_size / 2 && p->child == 0 &&
           clock_ms() >= p->rewrite_after_ms;
}

/* ---- the journal ---- */

void publish_zone_change(struct publish_zone *p, const char *cause, char op, const struct rr *rr)
{
    if (p->state != ZONE_OPEN && p->state != ZONE_PENDING)
        return; /* the whole zone will be compared */
    if (cause != NULL)
        journal_cause(&p->journal, cause);
    int ret = op == '-' ? journal_remove(&p->journal, rr) : journal_add(&p->journal, rr);
    if (ret == ERR_OK)
        return;
    log_warning("sync: zone %s: the change does not fit into a transaction (%s)", p->title, err_text(ret));
    journal_discard(&p->journal);
    p->state = ZONE_STALE;
}

int publish_zone_commit(struct publish_zone *p)
{
    if (p->state != ZONE_OPEN && p->state != ZONE_PENDING)
        return ERR_OK;
    uint32_t serial = next_serial(p->serial);
    bool changes = p->journal.changes > 0;
    int ret = journal_commit(&p->journal, serial, false);
    if (ret == ERR_OK) {
        p->serial = changes ? serial : p->serial;
        p->state = ZONE_OPEN;
    } else if (ret == ERR_LIMIT || ret == -ENOMEM || ret == ERR_STALE || ret == ERR_TRUNCATED) {
        journal_discard(&p->journal);
        p->state = ZONE_STALE;
    } else {
        p->state = ZONE_PENDING;
    }
    return ret;
}

/* ---- comparing with the disk ---- */

struct resync {
    struct journal_writer *journal;
    uint64_t limit;
    uint64_t changes;
};

static int on_difference(void *ctx, char op, const struct rr *rr)
{
    struct resync *r = ctx;
    if (r->changes++ == 0)
        journal_cause(r->journal, "resync");
    int ret = op == '-' ? journal_remove(r->journal, rr) : journal_add(r->journal, rr);
    return ret == ERR_OK && r->journal->txn.len > r->limit ? ERR_LIMIT : ret;
}

/* Opens the journal, puts the difference into it and commits. ERR_LIMIT where a new file is due. */
static int catch_up(struct publish_zone *p, const struct publish_source *s, const struct on_disk *disk,
                    struct errtext *e)
{
    int ret = journal_open(&p->journal, p->journal_path, p->zone->apex, disk->header.serial, e);
    if (ret != ERR_OK)
        return ret;
    p->journal_open = true;
    p->serial = p->journal.serial;
    note_size(p);
    struct resync r = {.journal = &p->journal};
    r.limit = p->file_size / 2 > PUBLISH_JOURNAL_MIN ? p->file_size / 2 : PUBLISH_JOURNAL_MIN;
    struct record_stream *stream = record_stream_open(s->rules, p->zone, s->store, p->serial);
    ret = stream == NULL
              ? -ENOMEM
              : publish_compare(p->zone_path, p->journal_path, p->zone->apex, stream, on_difference, &r, e);
    record_stream_close(stream);
    if (ret != ERR_OK) {
        journal_discard(&p->journal);
        return ret;
    }
    p->state = ZONE_OPEN;
    ret = publish_zone_commit(p);
    if (ret == ERR_OK && r.changes > 0)
        log_info("sync: zone %s: %llu records changed since the files were written, serial %u", p->title,
                 (unsigned long long)r.changes, p->serial);
    return ret;
}

/* Why the file on disk cannot be carried on, or NULL. */
static const char *unfit(const struct publish_source *s, const struct on_disk *disk, int code)
{
    if (code == -ENOENT)
        return "there is none";
    if (code != ERR_OK)
        return "it cannot be used";
    if (strcmp(disk->header.source, s->identity) != 0)
        return "it stems from other options";
    if (strcmp(disk->header.cluster, s->cluster) != 0)
        return "it stems from another cluster";
    return disk->journal_fits ? NULL : "its journal cannot be carried on";
}

bool publish_zone_on_disk(const struct publish_zone *p, const struct publish_source *s)
{
    struct on_disk disk;
    struct errtext e = {0};
    return publish_look(p->zone_path, p->journal_path, p->zone->apex, &disk, &e) == ERR_OK &&
           strcmp(disk.header.source, s->identity) == 0 && strcmp(disk.header.cluster, s->cluster) == 0;
}

/* What a process that was killed left behind; the folder is locked, so nobody is at it. */
static void remove_leftovers(const struct publish_zone *p)
{
    const struct {
        const char *path;
        const char *suffix;
    } rows[] = {{p->zone_path, ".tmp"},
                {p->journal_path, ".tmp"},
                {p->journal_path, ".new"},
                {p->journal_path, ".new.tmp"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[sizeof p->zone_path + 16];
        snprintf(path, sizeof path, "%s%s", rows[i].path, rows[i].suffix);
        unlink(path);
    }
}

int publish_zone_sync(struct publish_zone *p, const struct publish_source *s)
{
    struct on_disk disk;
    struct errtext e = {0};
    publish_zone_close(p);
    remove_leftovers(p);
    int ret = publish_look(p->zone_path, p->journal_path, p->zone->apex, &disk, &e);
    const char *why = unfit(s, &disk, ret);
    if (why == NULL) {
        ret = catch_up(p, s, &disk, &e);
        if (ret == ERR_OK || p->state == ZONE_PENDING)
            return ret;
        why = ret == ERR_LIMIT ? "most of it has changed" : "it cannot be used";
    }
    if (p->journal_open)
        publish_zone_close(p);
    p->state = ZONE_STALE;
    ret = write_anew(p, s, next_serial(disk.serial));
    if (ret == ERR_OK)
        log_info("sync: zone %s: new zone file, serial %u (%s%s%s)", p->title, p->serial, why,
                 e.text[0] != '\0' ? ": " : "", e.text);
    return ret;
}

int publish_zone_settle(struct publish_zone *p, const struct publish_source *s)
{
    int ret = publish_zone_commit(p);
    if (p->state == ZONE_CLOSED || p->state == ZONE_STALE)
        ret = publish_zone_sync(p, s);
    if (ret == ERR_OK)
        ret = publish_zone_reap(p, false);
    if (ret == ERR_OK && publish_zone_outgrown(p))
        ret = publish_zone_rewrite(p, s);
    return ret;
}
