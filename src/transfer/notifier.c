#include "transfer/notifier.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "serve/control.h"
#include "serve/zone_watch.h"
#include "transfer/notify_peer.h"

/* A burst of changes is over, or is told of in parts. */
#define WINDOW_MS 100

struct entry {
    struct notify_peer *peer;
    unsigned references; /* clients that have it */
};

static LIST_HEAD(, notifier_client) clients = LIST_HEAD_INITIALIZER(clients);
static struct entry *entries; /* NOTIFY_PEERS_MAX of them, while there are clients */
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

static struct entry *add_entry(const uint8_t *apex, const union address *to, const union address *source)
{
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

/* ---- clients ---- */

static void add_zone(const struct served_zone *z, void *ctx)
{
    struct notifier_client *c = ctx;
    struct notify_peer **peers = realloc(c->peers, (c->npeers + c->nto) * sizeof *peers);
    if (peers == NULL)
        return; /* the next change comes, and the secondary asks by itself */
    c->peers = peers;
    for (size_t i = 0; i < c->nto; i++) {
        struct entry *e = find_entry(z->apex, &c->to[i], c->source);
        if (e == NULL)
            e = add_entry(z->apex, &c->to[i], c->source);
        if (e == NULL)
            return;
        e->references++;
        notify_peer_watch(e->peer, z->watched);
        c->peers[c->npeers++] = e->peer;
    }
}

static void on_window(evutil_socket_t fd, short what, void *ctx)
{
    struct notifier_client *c;
    (void)fd, (void)what, (void)ctx;
    LIST_FOREACH(c, &clients, link)
    {
        if (!c->ready && c->nto > 0)
            c->each_zone(c->state, add_zone, c);
        c->ready = true;
    }
    sweep();
    for (size_t i = 0; i < nentries; i++)
        notify_peer_look(entries[i].peer);
}

static int open_table(void)
{
    entries = calloc(NOTIFY_PEERS_MAX, sizeof *entries);
    window = entries == NULL ? NULL : evtimer_new(control_base(), on_window, NULL);
    if (window == NULL) {
        free(entries);
        entries = NULL;
        return -ENOMEM;
    }
    notify_peer_register();
    zone_watch_listen(soon);
    return ERR_OK;
}

static void close_table(void)
{
    zone_watch_listen(NULL);
    sweep();
    event_free(window);
    free(entries);
    window = NULL;
    entries = NULL;
}

int notifier_join(struct notifier_client *c)
{
    if (LIST_EMPTY(&clients) && open_table() != ERR_OK)
        return -ENOMEM;
    LIST_INSERT_HEAD(&clients, c, link);
    c->joined = true;
    soon();
    return ERR_OK;
}

void notifier_leave(struct notifier_client *c)
{
    if (!c->joined)
        return;
    c->joined = false;
    LIST_REMOVE(c, link);
    for (size_t i = 0; i < c->npeers; i++)
        leave_entry(c->peers[i]);
    free(c->peers);
    soon();
    if (LIST_EMPTY(&clients))
        close_table();
}
