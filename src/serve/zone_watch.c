#include "serve/zone_watch_p.h"

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
#include "zone/zonefile.h"

#define LOOK_SECONDS 1
/* A log line when a zone has not been in step for so long, and again each time that doubles. */
#define AGE_WARNING_S 60

static TAILQ_HEAD(, watched_zone) zones = TAILQ_HEAD_INITIALIZER(zones);
static struct {
    char folder[PATH_SIZE];
    char synced[PATH_SIZE];
    int inotify;
    int watch; /* -1 while the folder does not exist */
    struct event *notice;
    struct event *look;
} state = {.inotify = -1, .watch = -1};

static void look_at_all(void)
{
    struct watched_zone *w;
    TAILQ_FOREACH(w, &zones, link)
    watched_zone_look(w);
}

static void watch_folder(void)
{
    if (state.watch < 0 && state.inotify >= 0)
        state.watch = inotify_add_watch(state.inotify, state.folder,
                                        IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE |
                                            IN_DELETE_SELF | IN_MOVE_SELF);
}

/* Whether the notice tells of no more than that a journal which is open was written to. New files, and a new
 * journal is one, have notices of other kinds. */
static bool tells_of_journal(const struct inotify_event *event)
{
    struct watched_zone *w;
    bool found = false;
    if (event->mask != IN_MODIFY || event->len == 0)
        return false;
    TAILQ_FOREACH(w, &zones, link)
    if (strcmp(strrchr(w->journal_path, '/') + 1, event->name) == 0) {
        if (w->journal == NULL)
            return false;
        w->written = found = true;
    }
    return found;
}

static void apply_written(void)
{
    struct watched_zone *w;
    TAILQ_FOREACH(w, &zones, link)
    if (w->written) {
        w->written = false;
        watched_zone_apply(w);
    }
}

static void on_notice(evutil_socket_t fd, short what, void *ctx)
{
    (void)what, (void)ctx;
    _Alignas(struct inotify_event) char buffer[16384];
    ssize_t n;
    bool files = false;
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        for (char *p = buffer; p < buffer + n;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)p;
            if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF))
                state.watch = -1;
            files = !tells_of_journal(event) || files;
            p += sizeof *event + event->len;
        }
    apply_written();
    if (files)
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
    TAILQ_FOREACH(w, &zones, link)
    if (w->unread)
        w->loaded = (struct file_id){0};
    look_at_all();
    TAILQ_FOREACH(w, &zones, link)
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

struct watched_zone *zone_watch_acquire(const uint8_t *apex, const char *view, const char *identity)
{
    struct watched_zone *w;
    TAILQ_FOREACH(w, &zones, link)
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
    TAILQ_INSERT_TAIL(&zones, w, link);
    watched_zone_look(w);
    return w;
}

void zone_watch_release(struct watched_zone *w)
{
    if (w == NULL || --w->references > 0)
        return;
    TAILQ_REMOVE(&zones, w, link);
    watched_zone_free(w);
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
