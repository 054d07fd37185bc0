/* One watched zone: its file and its journal, loaded and applied. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "serve/zone_watch_p.h"
#include "zone/serial.h"
#include "zone/zonefile.h"

static bool identify(const char *path, struct file_id *out)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return false;
    *out =
        (struct file_id){.device = st.st_dev, .inode = st.st_ino, .size = st.st_size, .changed = st.st_mtim};
    return true;
}

static bool same_file(const struct file_id *a, const struct file_id *b)
{
    return a->device == b->device && a->inode == b->inode;
}

static bool same_version(const struct file_id *a, const struct file_id *b)
{
    return same_file(a, b) && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static uint32_t current_serial(const struct watched_zone *w)
{
    rcu_reader_begin();
    uint32_t serial = zone_serial(zone_current(w->zone));
    rcu_reader_end();
    return serial;
}

static uint64_t current_records(const struct watched_zone *w)
{
    rcu_reader_begin();
    uint64_t records = zone_record_count(zone_current(w->zone));
    rcu_reader_end();
    return records;
}

static void publish(struct watched_zone *w, struct zone *fresh)
{
    struct zone *old = w->zone;
    rcu_publish(&w->zone, fresh);
    if (old != NULL)
        rcu_free_later(old, zone_release);
}

/* Failures that say nothing about the file. One that stays the same (no permission, a folder in its place) is
 * said once and waits for another file. */
static bool is_shortage(int code)
{
    return code == -ENOMEM || code == -EMFILE || code == -ENFILE || code == -EIO;
}

/* Whether a file of that serial holds what is served, or what was served before the last changes: so the
 * journal says. Loading it would take the zone back, and twice the memory. */
static bool has_been_at(const struct watched_zone *w, uint32_t serial)
{
    if (w->zone == NULL || w->journal_damaged || zone_is_worn(w->zone))
        return false;
    uint32_t now = current_serial(w);
    return serial == now ||
           (serial_after(now, serial) && journal_leads(w->journal_path, w->apex, serial, now));
}

/* Loads the zone file where it is another than the one loaded, and is ours. */
static void follow_file(struct watched_zone *w)
{
    struct file_id now;
    if (!identify(w->path, &now) || same_version(&now, &w->loaded))
        return;
    w->loaded = now;
    w->unread = false;
    struct zonefile_header header;
    struct errtext e = {0};
    int ret = zonefile_read_header(w->path, &header, &e);
    if (ret == ERR_OK && strcmp(header.source, w->identity) != 0) {
        log_error("zone %s %s: not served, it was rendered from another source or with other options (it "
                  "says \"%s\", the "
                  "configuration \"%s\")",
                  w->text, w->path, header.source, w->identity);
        return;
    }
    if (ret == ERR_OK && has_been_at(w, header.serial)) {
        log_debug("zone %s: file written anew at serial %u, at which the zone served is or has been", w->text,
                  header.serial);
        return;
    }
    uint64_t start = clock_ms();
    struct zone *fresh = NULL;
    if (ret == ERR_OK)
        ret = zonefile_load(w->path, w->apex, &header, &fresh, &e);
    if (ret != ERR_OK) {
        w->unread = is_shortage(ret);
        log_error("zone %s: %s; %s", w->text, e.text[0] != '\0' ? e.text : err_text(ret),
                  w->zone != NULL ? "the zone loaded before goes on serving" : "there is no zone to serve");
        return;
    }
    publish(w, fresh);
    journal_rewind(w->journal); /* it may be past the file */
    w->journal_damaged = false;
    w->changed_ms = clock_wall_ms();
    log_info("zone %s: loaded %llu records, serial %u, rendered %s (%llu ms)", w->text,
             (unsigned long long)current_records(w), current_serial(w), header.rendered,
             (unsigned long long)(clock_ms() - start));
}

static void drop_journal(struct watched_zone *w)
{
    journal_unfollow(w->journal);
    w->journal = NULL;
}

/* Applies what the open journal has got since. */
static void apply_journal(struct watched_zone *w)
{
    if (w->journal == NULL || w->zone == NULL || w->journal_damaged)
        return;
    struct errtext e = {0};
    int applied = journal_apply(w->journal, w->zone, &e);
    if (applied > 0) {
        w->changed_ms = clock_wall_ms();
        log_debug("zone %s: %d change%s applied, serial %u", w->text, applied, applied == 1 ? "" : "s",
                  current_serial(w));
    } else if (applied < 0 && is_shortage(applied)) { /* tried again at the next look */
        log_limited(LOG_LEVEL_ERROR, "zone %s: journal cannot be followed now (%s)", w->text,
                    e.text[0] != '\0' ? e.text : err_text(applied));
    } else if (applied < 0) {
        w->journal_damaged = true;
        log_error("zone %s: journal cannot be followed (%s); waiting for a new zone file", w->text,
                  e.text[0] != '\0' ? e.text : err_text(applied));
    }
}

/* Opens the journal where it is another file than the one that is open. */
static void follow_journal(struct watched_zone *w)
{
    struct file_id now;
    if (w->zone == NULL || !identify(w->journal_path, &now) ||
        (w->journal != NULL && same_file(&now, &w->journal_id)))
        return;
    struct journal_reader *reader = NULL;
    struct errtext e = {0};
    int ret = journal_follow(w->journal_path, w->apex, &reader, &e);
    if (ret != ERR_OK) {
        if (ret != -ENOENT)
            log_limited(LOG_LEVEL_ERROR, "zone %s: journal cannot be read (%s)", w->text,
                        e.text[0] != '\0' ? e.text : err_text(ret));
        return;
    }
    drop_journal(w);
    w->journal = reader;
    w->journal_id = now;
    w->journal_damaged = false;
}

static void (*listener)(void);

static void tell_listener(struct watched_zone *w)
{
    uint32_t serial = w->zone == NULL ? 0 : current_serial(w);
    if (serial == w->told_serial)
        return;
    w->told_serial = serial;
    if (listener != NULL)
        listener();
}

void watched_zone_look(struct watched_zone *w)
{
    apply_journal(w); /* to the end of the old one, before a new file may make it unnecessary */
    /* The writer puts a new zone file in place before the journal upon it: so whoever sees the journal first
     * finds the zone that it is upon. */
    follow_journal(w);
    follow_file(w);
    if (w->journal == NULL)
        follow_journal(w);
    apply_journal(w);
    tell_listener(w);
}

void watched_zone_apply(struct watched_zone *w)
{
    apply_journal(w);
    tell_listener(w);
}

void watched_zone_free(struct watched_zone *w)
{
    if (w->journal != NULL)
        drop_journal(w);
    if (w->zone != NULL)
        rcu_free_later(w->zone, zone_release);
    free(w->identity);
    free(w);
}

void zone_watch_listen(void (*changed)(void))
{
    listener = changed;
}

const struct zone *watched_zone_read(const struct watched_zone *w)
{
    return rcu_read(&w->zone);
}

const char *watched_zone_journal(const struct watched_zone *w)
{
    return w->journal_path;
}
