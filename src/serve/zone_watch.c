#include "serve/zone_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "zone/journal.h"
#include "zone/serial.h"
#include "zone/zonefile.h"

#define PATH_SIZE    4096
#define LOOK_SECONDS 1
#define AGE_WARNING_S                                                                                        \
    60 /* a log line when the zone has not been in step for a minute, and again each time that doubles */

/* What tells one version of a file from another. */
struct file_id {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct watched_zone {
    uint8_t apex[NAME_MAX_LEN];
    const char *view;
    char text[ZONEFILE_TITLE_MAX]; /* for the log: apex, and view where it has one */
    char *identity;
    char path[PATH_SIZE];
    char journal_path[PATH_SIZE];
    struct zone *zone;     /* published */
    struct file_id loaded; /* the zone file that `zone` stems from, or that was refused last */
    bool unread; /* for want of memory or descriptors, not for what it says: tried again at the next look */
    struct journal_reader *journal;
    struct file_id journal_id; /* device and inode alone */
    bool journal_damaged;      /* said so; nothing more is read of it */
    uint64_t changed_ms;       /* wall clock: when `zone` was loaded or changed last */
    double warned_age;
    uint32_t told_serial; /* the listener was told of it; 0: of none */
    unsigned references;
    LIST_ENTRY(watched_zone) link;
};

static LIST_HEAD(, watched_zone) zones = LIST_HEAD_INITIALIZER(zones);
static struct {
    char folder[PATH_SIZE];
    char synced[PATH_SIZE];
    int inotify;
    int watch; /* -1 while the folder does not exist */
    struct event *notice;
    struct event *look;
    void (*changed)(void);
} state = {.inotify = -1, .watch = -1};

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

static void tell_listener(struct watched_zone *w)
{
    uint32_t serial = w->zone == NULL ? 0 : current_serial(w);
    if (serial == w->told_serial)
        return;
    w->told_serial = serial;
    if (state.changed != NULL)
        state.changed();
}

static void look_at(struct watched_zone *w)
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

static void look_at_all(void)
{
    struct watched_zone *w;
    LIST_FOREACH(w, &zones, link)
    look_at(w);
}

static void watch_folder(void)
{
    if (state.watch < 0 && state.inotify >= 0)
        state.watch = inotify_add_watch(state.inotify, state.folder,
                                        IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE |
                                            IN_DELETE_SELF | IN_MOVE_SELF);
}

static void on_notice(evutil_socket_t fd, short what, void *ctx)
{
    (void)what, (void)ctx;
    _Alignas(struct inotify_event) char buffer[16384];
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        for (char *p = buffer; p < buffer + n;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)p;
            if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF))
                state.watch = -1;
            p += sizeof *event + event->len;
        }
    look_at_all();
}

static void warn_of_age(struct watched_zone *w)
{
    double age = watched_zone_age(w);
    if (age < AGE_WARNING_S) {
        if (w->warned_age > 0)
            log_info("zone %s: in step with its source again", w->text);
        w->warned_age = 0;
    } else if (age >= 2 * w->warned_age) {
        log_warning("zone %s: served from disk, not in step with its source for %.0f s", w->text, age);
        w->warned_age = age;
    }
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what, (void)ctx;
    watch_folder();
    struct watched_zone *w;
    LIST_FOREACH(w, &zones, link)
    if (w->unread)
        w->loaded = (struct file_id){0};
    look_at_all();
    LIST_FOREACH(w, &zones, link)
    warn_of_age(w);
}

int zone_watch_start(struct event_base *base, const char *folder, struct errtext *e)
{
    if ((size_t)snprintf(state.folder, sizeof state.folder, "%s", folder) >= sizeof state.folder - 16)
        return errtext_set(e, -ENAMETOOLONG, "zones folder: the path is too long");
    snprintf(state.synced, sizeof state.synced, "%.*s/.synced", (int)sizeof state.synced - 16, folder);
    state.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (state.inotify < 0)
        log_warning("zones folder %s: no notices of changes (%s); looking each second", folder,
                    strerror(errno));
    else
        state.notice = event_new(base, state.inotify, EV_READ | EV_PERSIST, on_notice, NULL);
    state.look = event_new(base, -1, EV_PERSIST, on_look, NULL);
    static const struct timeval each = {.tv_sec = LOOK_SECONDS};
    if (state.look == NULL || event_add(state.look, &each) < 0 ||
        (state.notice != NULL && event_add(state.notice, NULL) < 0))
        return errtext_set(e, -ENOMEM, "zones folder: no memory");
    watch_folder();
    return ERR_OK;
}

void zone_watch_stop(void)
{
    if (state.notice != NULL)
        event_free(state.notice);
    if (state.look != NULL)
        event_free(state.look);
    if (state.inotify >= 0)
        close(state.inotify);
    state.notice = state.look = NULL;
    state.inotify = state.watch = -1;
}

static void watched_zone_free(struct watched_zone *w)
{
    if (w->journal != NULL)
        drop_journal(w);
    if (w->zone != NULL)
        rcu_free_later(w->zone, zone_release);
    free(w->identity);
    free(w);
}

struct watched_zone *zone_watch_acquire(const uint8_t *apex, const char *view, const char *identity)
{
    struct watched_zone *w;
    LIST_FOREACH(w, &zones, link)
    if (name_equal(w->apex, apex) && strcmp(w->view, view) == 0 && strcmp(w->identity, identity) == 0) {
        w->references++;
        return w;
    }
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    name_lower(w->apex, apex);
    w->view = view;
    zonefile_title(w->apex, view, w->text);
    w->identity = strdup(identity);
    if (w->identity == NULL ||
        zonefile_path(state.folder, w->apex, view, ".zone", w->path, sizeof w->path) != ERR_OK ||
        zonefile_path(state.folder, w->apex, view, ".journal", w->journal_path, sizeof w->journal_path) !=
            ERR_OK) {
        watched_zone_free(w);
        return NULL;
    }
    w->references = 1;
    LIST_INSERT_HEAD(&zones, w, link);
    look_at(w);
    return w;
}

void zone_watch_release(struct watched_zone *w)
{
    if (w == NULL || --w->references > 0)
        return;
    LIST_REMOVE(w, link);
    watched_zone_free(w);
}

void zone_watch_listen(void (*changed)(void))
{
    state.changed = changed;
}

const struct zone *watched_zone_read(const struct watched_zone *w)
{
    return rcu_read(&w->zone);
}

const char *watched_zone_journal(const struct watched_zone *w)
{
    return w->journal_path;
}

double watched_zone_age(const struct watched_zone *w)
{
    if (w->zone == NULL)
        return -1;
    struct stat st;
    uint64_t known_ms = w->changed_ms;
    if (stat(state.synced, &st) == 0)
        known_ms = (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
    else if (stat(w->path, &st) == 0)
        known_ms = (uint64_t)st.st_mtim.tv_sec * 1000;
    uint64_t now = clock_wall_ms();
    return now > known_ms ? (double)(now - known_ms) / 1000 : 0;
}
