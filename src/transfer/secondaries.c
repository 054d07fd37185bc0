#include "transfer/secondaries.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "serve/control.h"
#include "serve/zone_watch.h"
#include "transfer/historian.h"
#include "transfer/notify_peer.h"

/* A burst of changes is over, or is told of in parts. */
#define WINDOW_MS 100

struct entry {
    struct notify_peer *peer;
    unsigned references; /* stages that have it */
};

static LIST_HEAD(, secondaries) all = LIST_HEAD_INITIALIZER(all);
static struct entry *entries; /* NOTIFY_PEERS_MAX of them, while there is anybody */
static size_t nentries;
static struct event *window;

/* ---- the table of peers ---- */

static void soon(void)
{
    const struct timeval tv = {.tv_usec = WINDOW_MS * 1000};
    if (window != NULL && !evtimer_pending(window, NULL))
        evtimer_add(window, &tv);
}

static struct entry *find_entry(const uint8_t *apex, const union address *to, const union address *source)
{
    for (size_t i = 0; i < nentries; i++)
        if (notify_peer_is(entries[i].peer, apex, to, source))
            return &entries[i];
    return NULL;
}

static void sweep(void)
{
    for (size_t i = 0; i < nentries;)
        if (entries[i].references > 0) {
            i++;
        } else {
            notify_peer_free(entries[i].peer);
            entries[i] = entries[--nentries];
        }
}

static struct entry *add_entry(const uint8_t *apex, const union address *to, const union address *source)
{
    if (nentries == NOTIFY_PEERS_MAX)
        sweep(); /* those of the configuration before */
    struct notify_peer *p = nentries < NOTIFY_PEERS_MAX ? notify_peer_new(apex, to, source, soon) : NULL;
    if (p == NULL) {
        log_limited(LOG_LEVEL_ERROR,
                    "plugin/transfer: more than %d zones and addresses to notify, or no memory",
                    NOTIFY_PEERS_MAX);
        return NULL;
    }
    entries[nentries] = (struct entry){.peer = p};
    return &entries[nentries++];
}

/* The zone may be let go now. What the peer was told is kept until the next configuration says whether it
 * stays. */
static void leave_entry(const struct notify_peer *p)
{
    for (size_t i = 0; i < nentries; i++)
        if (entries[i].peer == p && --entries[i].references == 0)
            notify_peer_watch(entries[i].peer, NULL);
}

/* ---- stages ---- */

static void add_zone(const struct served_zone *z, void *ctx)
{
    struct secondaries *s = ctx;
    historian_want(watched_zone_journal(z->watched), z->apex);
    if (s->nto == 0)
        return;
    struct notify_peer **peers = realloc(s->peers, (s->npeers + s->nto) * sizeof *peers);
    if (peers == NULL)
        return; /* the next change comes, and the secondary asks by itself */
    s->peers = peers;
    for (size_t i = 0; i < s->nto; i++) {
        struct entry *e = find_entry(z->apex, &s->to[i], s->source);
        if (e == NULL)
            e = add_entry(z->apex, &s->to[i], s->source);
        if (e == NULL)
            return;
        e->references++;
        notify_peer_watch(e->peer, z->watched);
        s->peers[s->npeers++] = e->peer;
    }
}

static void leave_zone(const struct served_zone *z, void *ctx)
{
    (void)ctx;
    historian_unwant(watched_zone_journal(z->watched));
}

static void on_window(evutil_socket_t fd, short what, void *ctx)
{
    struct secondaries *s;
    (void)fd, (void)what, (void)ctx;
    LIST_FOREACH(s, &all, link)
    {
        if (!s->ready)
            s->each_zone(s->state, add_zone, s);
        s->ready = true;
    }
    sweep();
    historian_sweep();
    historian_look();
    for (size_t i = 0; i < nentries; i++)
        notify_peer_look(entries[i].peer);
}

static int open_all(void)
{
    entries = calloc(NOTIFY_PEERS_MAX, sizeof *entries);
    window = entries == NULL ? NULL : evtimer_new(control_base(), on_window, NULL);
    int ret = window == NULL ? -ENOMEM : historian_open();
    if (ret != ERR_OK) {
        if (window != NULL)
            event_free(window);
        free(entries);
        window = NULL;
        entries = NULL;
        return ret;
    }
    notify_peer_register();
    zone_watch_listen(soon);
    return ERR_OK;
}

static void close_all(void)
{
    zone_watch_listen(NULL);
    sweep();
    historian_close();
    event_free(window);
    free(entries);
    window = NULL;
    entries = NULL;
}

int secondaries_join(struct secondaries *s)
{
    int ret = LIST_EMPTY(&all) ? open_all() : ERR_OK;
    if (ret != ERR_OK)
        return ret;
    LIST_INSERT_HEAD(&all, s, link);
    s->joined = true;
    soon();
    return ERR_OK;
}

void secondaries_leave(struct secondaries *s)
{
    if (!s->joined)
        return;
    s->joined = false;
    LIST_REMOVE(s, link);
    for (size_t i = 0; i < s->npeers; i++)
        leave_entry(s->peers[i]);
    free(s->peers);
    if (s->ready)
        s->each_zone(s->state, leave_zone, s);
    if (LIST_EMPTY(&all))
        close_all();
    else
        soon();
}
