#include "exchange/doh_session.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/bytes.h"
#include "dns/query.h"
#include "exchange/byte_stream.h"
#include "exchange/doh_url.h"

#define MESSAGE_MAX   65535
#define MESSAGE_TYPE  "application/dns-message" /* RFC 8484 section 6 */
#define STATUS_OK     200
#define CANCELLED_MAX 256       /* requests given up that wait at the server: it gets no further ones then */
#define WINDOW        (1 << 20) /* octets that the server may send before we have taken them */

struct doh_request {
    LIST_ENTRY(doh_request) link; /* among the session's, or the finished */
    struct doh_session *s;
    doh_done *done; /* NULL: cancelled */
    void *ctx;
    int32_t stream;
    unsigned status;
    bool right_type;
    bool good; /* finished with an answer */
    struct bytes body;
    size_t sent, len;
    uint8_t message[];
};
LIST_HEAD(doh_requests, doh_request);

struct doh_session {
    const struct doh_session_events *events;
    void *ctx;
    struct byte_stream *stream;
    nghttp2_session *http;
    struct doh_requests requests, finished;
    struct event tell;       /* there are finished ones */
    unsigned ncancelled;     /* requests that the library still holds */
    bool ended, busy, freed; /* ended: no request is taken any more */
    char authority[DOH_AUTHORITY_MAX];
    struct upstream_transport transport;
};

/* ---- requests ---- */

static void request_free(struct doh_request *r)
{
    LIST_REMOVE(r, link);
    bytes_free(&r->body);
    free(r);
}

/* The library knows it no longer. Told of later: this is within one of its callbacks. */
static void finish(struct doh_request *r, bool good)
{
    struct doh_session *s = r->s;
    if (r->done == NULL) {
        s->ncancelled--;
        request_free(r);
        return;
    }
    r->good = good && r->status == STATUS_OK && r->right_type && r->body.error == ERR_OK &&
              r->body.len >= DNS_HEADER_LEN;
    LIST_REMOVE(r, link);
    LIST_INSERT_HEAD(&s->finished, r, link);
    event_active(&s->tell, 0, 0);
}

/* False where the session is gone. */
static bool end_callback(struct doh_session *s, bool outer)
{
    if (!outer)
        return true;
    s->busy = false;
    if (!s->freed)
        return true;
    doh_session_free(s);
    return false;
}

static bool begin_callback(struct doh_session *s)
{
    bool outer = !s->busy;
    s->busy = true;
    return outer;
}

static void tell_finished(struct doh_session *s)
{
    bool outer = begin_callback(s);
    while (!s->freed && !LIST_EMPTY(&s->finished)) {
        struct doh_request *r = LIST_FIRST(&s->finished);
        LIST_REMOVE(r, link);
        r->done(r->ctx, r->good ? (const uint8_t *)r->body.data : NULL, r->good ? r->body.len : 0);
        bytes_free(&r->body);
        free(r);
    }
    end_callback(s, outer);
}

static void on_tell(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    tell_finished(ctx);
}

/* ---- the library's callbacks ---- */

static int on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *ctx)
{
    struct doh_request *r = nghttp2_session_get_stream_user_data(http, frame->hd.stream_id);
    (void)flags, (void)ctx;
    if (r == NULL)
        return 0;
    if (name_len == 7 && memcmp(name, ":status", 7) == 0) /* the library has seen to three digits */
        r->status = value_len == 3 ? (unsigned)strtoul((const char *)value, NULL, 10) : 0;
    else if (name_len == 12 && memcmp(name, "content-type", 12) == 0)
        r->right_type = value_len == strlen(MESSAGE_TYPE) && memcmp(value, MESSAGE_TYPE, value_len) == 0;
    return 0;
}

static int on_data(nghttp2_session *http, uint8_t flags, int32_t stream, const uint8_t *data, size_t len,
                   void *ctx)
{
    struct doh_request *r = nghttp2_session_get_stream_user_data(http, stream);
    (void)flags, (void)ctx;
    if (r != NULL && bytes_append(&r->body, data, len) != ERR_OK)
        nghttp2_submit_rst_stream(http, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
    return 0;
}

static int on_stream_close(nghttp2_session *http, int32_t stream, uint32_t error, void *ctx)
{
    struct doh_request *r = nghttp2_session_get_stream_user_data(http, stream);
    (void)ctx;
    if (r != NULL)
        finish(r, error == NGHTTP2_NO_ERROR);
    return 0;
}

/* A request that never became a stream. */
static int on_not_sent(nghttp2_session *http, const nghttp2_frame *frame, int error, void *ctx)
{
    struct doh_session *s = ctx;
    struct doh_request *r;
    (void)http, (void)error;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    LIST_FOREACH(r, &s->requests, link)
    if (r->stream == frame->hd.stream_id) {
        nghttp2_session_set_stream_user_data(http, r->stream, NULL);
        finish(r, false);
        break;
    }
    return 0;
}

static ssize_t read_body(nghttp2_session *http, int32_t stream, uint8_t *out, size_t cap, uint32_t *flags,
                         nghttp2_data_source *source, void *ctx)
{
    struct doh_request *r = source->ptr;
    size_t n = r->len - r->sent < cap ? r->len - r->sent : cap;
    (void)http, (void)stream, (void)ctx;
    memcpy(out, r->message + r->sent, n);
    r->sent += n;
    if (r->sent == r->len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

/* ---- octets ---- */

/* Hands what the library wants sent to the connection. */
static int pump(struct doh_session *s)
{
    const uint8_t *data;
    ssize_t n;
    while ((n = nghttp2_session_mem_send(s->http, &data)) > 0) {
        int ret = byte_stream_write(s->stream, data, (size_t)n);
        if (ret != ERR_OK) {
            s->ended = true; /* what is cut in the middle cannot be gone on with */
            return ret;
        }
    }
    return n < 0 ? ERR_MALFORMED : ERR_OK;
}

static void on_closed(void *ctx)
{
    struct doh_session *s = ctx;
    s->ended = true;
    bool outer = begin_callback(s);
    s->events->closed(s->ctx);
    end_callback(s, outer);
}

static void on_connected(void *ctx)
{
    struct doh_session *s = ctx;
    bool outer = begin_callback(s);
    if (s->events->connected != NULL)
        s->events->connected(s->ctx);
    end_callback(s, outer);
}

static size_t on_received(void *ctx, const uint8_t *data, size_t len)
{
    struct doh_session *s = ctx;
    bool outer = begin_callback(s);
    if (s->events->heard != NULL)
        s->events->heard(s->ctx);
    bool good = nghttp2_session_mem_recv(s->http, data, len) == (ssize_t)len && pump(s) == ERR_OK;
    tell_finished(s);
    good = good && (nghttp2_session_want_read(s->http) != 0 || nghttp2_session_want_write(s->http) != 0);
    if (!s->freed && (!good || s->ended))
        on_closed(s);
    else if (!s->freed && !LIST_EMPTY(&s->requests))
        byte_stream_acknowledge(s->stream);
    end_callback(s, outer);
    return len;
}

/* ---- asking ---- */

#define HEADER(name_, value_, len_)                                                                          \
    (nghttp2_nv)                                                                                             \
    {                                                                                                        \
        .name = (uint8_t *)(uintptr_t)(name_), .value = (uint8_t *)(uintptr_t)(value_),                      \
        .namelen = sizeof(name_) - 1, .valuelen = (len_)                                                     \
    }

static int32_t submit_post(struct doh_session *s, struct doh_request *r)
{
    char length[8];
    const nghttp2_data_provider body = {.source = {.ptr = r}, .read_callback = read_body};
    int n = snprintf(length, sizeof length, "%zu", r->len);
    const nghttp2_nv headers[] = {
        HEADER(":method", "POST", 4),
        HEADER(":scheme", "https", 5),
        HEADER(":authority", s->authority, strlen(s->authority)),
        HEADER(":path", s->transport.path, strlen(s->transport.path)),
        HEADER("accept", MESSAGE_TYPE, sizeof MESSAGE_TYPE - 1),
        HEADER("content-type", MESSAGE_TYPE, sizeof MESSAGE_TYPE - 1),
        HEADER("content-length", length, (size_t)n),
    };
    return nghttp2_submit_request(s->http, NULL, headers, sizeof headers / sizeof headers[0], &body, r);
}

static int32_t submit_get(struct doh_session *s, struct doh_request *r)
{
    struct bytes path;
    doh_get_path(s->transport.path, r->message, r->len, &path);
    int32_t stream = NGHTTP2_ERR_NOMEM;
    if (path.error == ERR_OK) {
        const nghttp2_nv headers[] = {
            HEADER(":method", "GET", 3),
            HEADER(":scheme", "https", 5),
            HEADER(":authority", s->authority, strlen(s->authority)),
            HEADER(":path", path.data, path.len),
            HEADER("accept", MESSAGE_TYPE, sizeof MESSAGE_TYPE - 1),
        };
        stream = nghttp2_submit_request(s->http, NULL, headers, sizeof headers / sizeof headers[0], NULL, r);
    }
    bytes_free(&path);
    return stream;
}

bool doh_session_usable(const struct doh_session *s)
{
    return !s->ended && s->ncancelled < CANCELLED_MAX && nghttp2_session_check_request_allowed(s->http) != 0;
}

int doh_session_ask(struct doh_session *s, const uint8_t *message, size_t len, doh_done *done, void *ctx,
                    struct doh_request **out)
{
    if (!doh_session_usable(s))
        return ERR_LIMIT;
    struct doh_request *r = calloc(1, sizeof *r + len);
    if (r == NULL)
        return -ENOMEM;
    *r = (struct doh_request){.s = s, .done = done, .ctx = ctx, .len = len};
    memcpy(r->message, message, len);
    bytes_init(&r->body, MESSAGE_MAX);
    LIST_INSERT_HEAD(&s->requests, r, link);
    r->stream = (s->transport.get ? submit_get : submit_post)(s, r);
    if (r->stream < 0) {
        int error = r->stream;
        request_free(r);
        return error == NGHTTP2_ERR_NOMEM ? -ENOMEM : ERR_LIMIT;
    }
    *out = r;
    if (pump(s) == ERR_OK)
        return ERR_OK;
    doh_session_cancel(s, r);
    return ERR_LIMIT;
}

void doh_session_cancel(struct doh_session *s, struct doh_request *r)
{
    const struct doh_request *f;
    LIST_FOREACH(f, &s->finished, link)
    if (f == r) {
        request_free(r);
        return;
    }
    r->done = NULL; /* freed when the library has let go of it */
    s->ncancelled++;
    nghttp2_submit_rst_stream(s->http, NGHTTP2_FLAG_NONE, r->stream, NGHTTP2_CANCEL);
    if (!s->ended)
        pump(s);
}

/* ---- life ---- */

static nghttp2_session_callbacks *callbacks(void)
{
    nghttp2_session_callbacks *c;
    if (nghttp2_session_callbacks_new(&c) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_not_sent);
    return c;
}

static int start_http(struct doh_session *s)
{
    static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                                      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, MESSAGE_MAX}};
    nghttp2_session_callbacks *c = callbacks();
    if (c == NULL)
        return -ENOMEM;
    int ret = nghttp2_session_client_new(&s->http, c, s);
    nghttp2_session_callbacks_del(c);
    if (ret != 0)
        return -ENOMEM;
    nghttp2_submit_settings(s->http, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(s->http, NGHTTP2_FLAG_NONE, 0, WINDOW);
    return pump(s);
}

int doh_session_open(struct event_base *base, const struct exchange_target *target,
                     const struct doh_session_events *events, void *ctx, struct doh_session **out)
{
    static const struct byte_stream_events octets = {
        .connected = on_connected, .received = on_received, .closed = on_closed};
    struct doh_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    *s = (struct doh_session){.events = events, .ctx = ctx, .transport = target->transport};
    doh_authority(target, s->authority, sizeof s->authority);
    event_assign(&s->tell, base, -1, 0, on_tell, s);
    int ret = byte_stream_open(base, target, "\2h2", &octets, s, &s->stream);
    if (ret == ERR_OK)
        ret = start_http(s);
    if (ret != ERR_OK) {
        doh_session_free(s);
        return ret;
    }
    *out = s;
    return ERR_OK;
}

bool doh_session_resumed(const struct doh_session *s)
{
    return byte_stream_resumed(s->stream);
}

void doh_session_free(struct doh_session *s)
{
    if (s == NULL)
        return;
    s->ended = true;
    if (s->busy) {
        s->freed = true;
        return;
    }
    event_del(&s->tell);
    nghttp2_session_del(s->http); /* calls nobody back */
    while (!LIST_EMPTY(&s->requests))
        request_free(LIST_FIRST(&s->requests));
    while (!LIST_EMPTY(&s->finished))
        request_free(LIST_FIRST(&s->finished));
    byte_stream_free(s->stream);
    free(s);
}
