#include "serve/stream.h"

#include <stdlib.h>

#include "serve/io_tcp_p.h"

struct stream {
    struct request *request;
    struct conn *conn; /* NULL once it is closed */
    const char *gone;
    stream_more *more;
    struct event *turn;
    struct event *late;
    LIST_ENTRY(stream) link; /* of the connection, while that is open */
};

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct stream *s = ctx;
    (void)fd, (void)what;
    s->more(s, s->request);
}

static void on_late(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    stream_break(ctx, "the client reads too slowly");
}

struct stream *stream_open(struct request *r, stream_more *more, unsigned seconds)
{
    struct stream *s = r->transport == TRANSPORT_TCP ? calloc(1, sizeof *s) : NULL;
    if (s == NULL)
        return NULL;
    *s = (struct stream){.request = r, .conn = r->origin, .more = more};
    s->turn = event_new(r->worker->base, -1, 0, on_turn, s);
    s->late = evtimer_new(r->worker->base, on_late, s);
    const struct timeval limit = {.tv_sec = (time_t)seconds};
    if (s->turn == NULL || s->late == NULL || evtimer_add(s->late, &limit) < 0) {
        s->conn = NULL;
        stream_close(s);
        return NULL;
    }
    LIST_INSERT_HEAD(&s->conn->streams, s, link);
    stream_wake(s);
    return s;
}

void stream_close(struct stream *s)
{
    if (s->conn != NULL)
        LIST_REMOVE(s, link);
    if (s->turn != NULL)
        event_free(s->turn);
    if (s->late != NULL)
        event_free(s->late);
    free(s);
}

void stream_wake(struct stream *s)
{
    event_active(s->turn, 0, 0);
}

const char *stream_gone(const struct stream *s)
{
    return s->gone;
}

void stream_break(struct stream *s, const char *why)
{
    if (s->conn == NULL)
        return;
    s->gone = why;
    tcp_close(s->conn);
}

void stream_send_message(struct stream *s, const void *message, size_t len)
{
    if (s->conn == NULL)
        return;
    if (!tcp_put(s->conn, message, len)) {
        stream_break(s, "no memory");
        return;
    }
    tcp_want_write(s->conn); /* not at once: others have their turn before the next message */
    tcp_shed(s->conn);       /* it stays in memory: the request is under way */
}

void stream_send(struct stream *s)
{
    struct reply *reply = s->request->reply;
    reply_finish(reply, REPLY_CAP);
    stream_send_message(s, reply->wire, reply->len);
    s->request->reply = NULL;
}

void streams_turn(struct conn *c)
{
    struct stream *s;
    LIST_FOREACH(s, &c->streams, link)
    stream_wake(s);
}

void streams_lose(struct conn *c)
{
    struct stream *s;
    while ((s = LIST_FIRST(&c->streams)) != NULL) {
        LIST_REMOVE(s, link);
        s->conn = NULL;
        if (s->gone == NULL)
            s->gone = "the connection was closed";
        stream_wake(s);
    }
}
