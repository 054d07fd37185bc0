/*
 * A connection:
 *
 *     READING    the request's head comes in; ends by its empty line, its size, its time or eviction
 *     WRITING    the answer goes out; ends when it is out or its time is over
 *     LINGERING  our side is shut; what the client still sends is thrown away until it closes too, because
 * closing with unread data would make the kernel take the answer back (RFC 9112 section 9.6)
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/http_head.h"
#include "base/log.h"
#include "http/httpd_p.h"

#define HEAD_MAX        8192       /* octets of a request's head, what common servers allow */
#define PAGE_MAX        (32 << 20) /* octets of a page: 200,000 series */
#define CONNECTIONS_MAX 64         /* of all addresses; kubelet and Prometheus have one or two at a time */
#define REQUEST_S       5          /* for the whole request, as CoreDNS has it */
#define ANSWER_S        10         /* for the whole answer: a scraper's usual time-out */
#define LINGER_S        1

enum conn_state { READING, WRITING, LINGERING };

struct conn {
    struct http_server *server; /* NULL once the request is read: the address may be closed meanwhile */
    struct bufferevent *bev;
    struct event *deadline;
    enum conn_state state;
    TAILQ_ENTRY(conn) link;
};

static TAILQ_HEAD(, conn) conns = TAILQ_HEAD_INITIALIZER(conns); /* oldest first */
static unsigned nconns;

static void conn_free(struct conn *c)
{
    TAILQ_REMOVE(&conns, c, link);
    nconns--;
    if (c->deadline != NULL)
        event_free(c->deadline);
    bufferevent_free(c->bev);
    free(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    conn_free(ctx);
}

static void set_deadline(struct conn *c, int seconds)
{
    struct timeval tv = {.tv_sec = seconds};
    event_add(c->deadline, &tv);
}

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

static void respond(struct conn *c, int status, const char *type, const char *body, size_t len,
                    bool with_body)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    evbuffer_add_printf(
        out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
        status, reason(status), type, len, status == 405 ? "Allow: GET, HEAD\r\n" : "");
    if (with_body && len > 0)
        evbuffer_add(out, body, len);
    c->state = WRITING;
    c->server = NULL;
    set_deadline(c, ANSWER_S);
}

static void respond_error(struct conn *c, int status, bool with_body)
{
    const char *text = reason(status);
    respond(c, status, "text/plain; charset=utf-8", text, strlen(text), with_body);
}

static const struct http_endpoint *find_endpoint(const struct http_server *s, const struct http_head *head)
{
    const struct http_endpoint *ep;
    LIST_FOREACH(ep, &s->endpoints, link)
    {
        if (strlen(ep->service.path) == head->path_len &&
            memcmp(ep->service.path, head->path, head->path_len) == 0)
            return ep;
    }
    return NULL;
}

static void answer_request(struct conn *c, const struct http_head *head)
{
    bool with_body = head->method != HTTP_METHOD_HEAD;
    if (head->method == HTTP_METHOD_OTHER) {
        respond_error(c, 405, true);
        return;
    }
    const struct http_endpoint *ep = find_endpoint(c->server, head);
    if (ep == NULL) {
        respond_error(c, 404, with_body);
        return;
    }
    struct bytes body;
    bytes_init(&body, PAGE_MAX);
    int status = ep->service.page(ep->service.ctx, &body);
    if (body.error != ERR_OK) {
        log_limited(LOG_LEVEL_ERROR, "http: %s cannot be shown (%s)", ep->service.path, err_text(body.error));
        respond_error(c, 500, with_body);
    } else {
        respond(c, status, ep->service.content_type, body.data, body.len, with_body);
    }
    bytes_free(&body);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    struct conn *c = ctx;
    struct evbuffer *in = bufferevent_get_input(bev);
    if (c->state != READING) {
        evbuffer_drain(in, evbuffer_get_length(in));
        return;
    }
    size_t len = evbuffer_get_length(in);
    const char *data = (const char *)evbuffer_pullup(in, -1);
    struct http_head head;
    int used = data == NULL ? 0 : http_head_parse(data, len, &head);
    if (used > 0)
        answer_request(c, &head);
    else if (used < 0)
        respond_error(c, 400, true);
    else if (len >= HEAD_MAX)
        respond_error(c, 431, true);
    if (c->state != READING)
        evbuffer_drain(in, len);
}

/* The answer has left our buffer. */
static void on_written(struct bufferevent *bev, void *ctx)
{
    struct conn *c = ctx;
    if (c->state != WRITING || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
        return;
    c->state = LINGERING;
    shutdown(bufferevent_getfd(bev), SHUT_WR);
    set_deadline(c, LINGER_S);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct conn *c = ctx;
    /* A client that has shut its side after the request still gets its answer. */
    if ((what & BEV_EVENT_EOF) != 0 && c->state == WRITING &&
        evbuffer_get_length(bufferevent_get_output(bev)) > 0)
        return;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        conn_free(c);
}

/* Room for one more: the connection that has waited longest for its request goes. False where all are being
 * answered. */
static bool make_room(void)
{
    if (nconns < CONNECTIONS_MAX)
        return true;
    struct conn *c;
    TAILQ_FOREACH(c, &conns, link)
    {
        if (c->state != WRITING) {
            conn_free(c);
            return true;
        }
    }
    return false;
}

void httpd_conn_new(struct http_server *server, evutil_socket_t fd)
{
    struct conn *c = make_room() ? calloc(1, sizeof *c) : NULL;
    if (c != NULL) {
        c->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
        if (c->bev == NULL) {
            free(c);
            c = NULL;
        }
    }
    if (c == NULL) {
        close(fd);
        return;
    }
    c->server = server;
    TAILQ_INSERT_TAIL(&conns, c, link);
    nconns++;
    c->deadline = evtimer_new(server->base, on_deadline, c);
    if (c->deadline == NULL) {
        conn_free(c);
        return;
    }
    set_deadline(c, REQUEST_S);
    bufferevent_setwatermark(c->bev, EV_READ, 0, HEAD_MAX);
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

void httpd_conn_drop_all(const struct http_server *server)
{
    for (struct conn *c = TAILQ_FIRST(&conns), *next; c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->server == server)
            conn_free(c);
    }
}
