/* The sockets of an exchange over UDP: connected, so that the kernel chooses a random port and drops what
 * comes from elsewhere; given up after a while; and which id is out on which. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret_random.h"
#include "exchange/direct_socket.h"
#include "exchange/exchange_udp_p.h"
#include "serve/worker.h"

#define NS_PER_MS 1000000u

void udp_socket_free(struct udp_socket *s)
{
    event_del(&s->event);
    close(s->fd);
    if (s->retired) {
        LIST_REMOVE(s, link);
        s->x->nretired--;
    }
    free(s);
}

void udp_socket_retire(struct udp_socket *s)
{
    struct udp_exchange *x = s->x;
    if (s->retired)
        return;
    for (unsigned i = 0; i < UDP_SOCKETS; i++)
        if (x->sockets[i] == s)
            x->sockets[i] = NULL;
    s->retired = true;
    LIST_INSERT_HEAD(&x->retired, s, link);
    x->nretired++;
    if (s->out == 0 && !s->busy)
        udp_socket_free(s);
}

static struct udp_socket *open_socket(struct udp_exchange *x)
{
    struct udp_socket *s = malloc(sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (struct udp_socket){.x = x, .born_ns = clock_ns()};
    if (direct_socket_open(&x->base.target, SOCK_DGRAM, &s->fd) != ERR_OK) {
        free(s);
        return NULL;
    }
    if (event_assign(&s->event, worker_base(x->base.worker), s->fd, EV_READ | EV_PERSIST,
                     udp_exchange_readable, s) != 0 ||
        event_add(&s->event, NULL) != 0) {
        close(s->fd);
        free(s);
        return NULL;
    }
    return s;
}

static bool worn_out(const struct udp_socket *s, uint64_t now)
{
    return s->uses >= UDP_SOCKET_USES || now - s->born_ns >= (uint64_t)UDP_SOCKET_AGE_MS * NS_PER_MS;
}

/* Any open one but `other`, from `first` on; `other` where it is the only one. */
static struct udp_socket *any_open(const struct udp_exchange *x, unsigned first,
                                   const struct udp_socket *other)
{
    struct udp_socket *found = NULL;
    for (unsigned i = 0; i < UDP_SOCKETS; i++) {
        struct udp_socket *s = x->sockets[(first + i) % UDP_SOCKETS];
        if (s != NULL && s != other)
            return s;
        found = s != NULL ? s : found;
    }
    return found;
}

struct udp_socket *udp_socket_pick(struct udp_exchange *x, const struct udp_socket *other)
{
    unsigned i = secret_random_u16() % UDP_SOCKETS;
    if (x->sockets[i] != NULL && x->sockets[i] == other)
        i = (i + 1) % UDP_SOCKETS;
    struct udp_socket *s = x->sockets[i];
    if (s != NULL && (!worn_out(s, clock_ns()) || x->nretired >= UDP_RETIRED_MAX))
        return s;
    struct udp_socket *fresh = open_socket(x);
    if (fresh == NULL) /* no descriptors: a worn-out one is better than none */
        return any_open(x, i, other);
    if (s != NULL)
        udp_socket_retire(s);
    x->sockets[i] = fresh;
    if (!evtimer_pending(&x->age, NULL)) {
        const struct timeval tv = {.tv_sec = UDP_SOCKET_AGE_MS / 1000};
        evtimer_add(&x->age, &tv);
    }
    return fresh;
}

/* Sockets that nobody asks over are not kept open. */
static void give_up_old(evutil_socket_t fd, short what, void *ctx)
{
    struct udp_exchange *x = ctx;
    uint64_t now = clock_ns();
    bool left = false;
    (void)fd, (void)what;
    for (unsigned i = 0; i < UDP_SOCKETS; i++) {
        struct udp_socket *s = x->sockets[i];
        if (s != NULL && s != x->batch.socket && worn_out(s, now) && x->nretired < UDP_RETIRED_MAX)
            udp_socket_retire(s);
        left = left || x->sockets[i] != NULL;
    }
    const struct timeval tv = {.tv_sec = UDP_SOCKET_AGE_MS / 1000};
    if (left)
        evtimer_add(&x->age, &tv);
}

void udp_sockets_init(struct udp_exchange *x)
{
    LIST_INIT(&x->retired);
    evtimer_assign(&x->age, worker_base(x->base.worker), give_up_old, x);
}

void udp_sockets_close(struct udp_exchange *x)
{
    evtimer_del(&x->age);
    for (unsigned i = 0; i < UDP_SOCKETS; i++)
        if (x->sockets[i] != NULL)
            udp_socket_free(x->sockets[i]);
    while (!LIST_EMPTY(&x->retired))
        udp_socket_free(LIST_FIRST(&x->retired));
}

/* ---- ids ---- */

struct udp_send *udp_send_find(const struct udp_socket *s, uint16_t id)
{
    struct udp_send *send = LIST_FIRST(&s->sends[id % UDP_ID_BUCKETS]);
    while (send != NULL && send->id != id)
        send = LIST_NEXT(send, link);
    return send;
}

void udp_send_add(struct udp_socket *s, struct udp_send *send)
{
    do {
        send->id = secret_random_u16();
    } while (udp_send_find(s, send->id) != NULL);
    send->socket = s;
    s->ids[s->uses % UDP_IDS_KEPT] = send->id;
    direct_series_count(&s->x->series, s->uses > 0);
    s->uses++;
    s->out++;
    LIST_INSERT_HEAD(&s->sends[send->id % UDP_ID_BUCKETS], send, link);
}

bool udp_socket_has_used(const struct udp_socket *s, uint16_t id)
{
    unsigned n = s->uses < UDP_IDS_KEPT ? s->uses : UDP_IDS_KEPT;
    for (unsigned i = 0; i < n; i++)
        if (s->ids[i] == id)
            return true;
    return false;
}

void udp_send_remove(struct udp_send *send)
{
    struct udp_socket *s = send->socket;
    if (s == NULL)
        return;
    send->socket = NULL;
    LIST_REMOVE(send, link);
    s->out--;
    if (s->retired && s->out == 0 && !s->busy)
        udp_socket_free(s);
}
