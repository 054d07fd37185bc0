#include "sync/kube_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sync/kube_http_request.h"

/* Idle connections kept: one suffices with HTTP/2, one a kind of objects without. */
#define CONNECTIONS_KEPT 8L

struct kube_http {
    const struct kube_auth *auth;
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct kube_get *gets;
    struct kube_target target;
};

struct kube_get {
    struct kube_http *http;
    struct kube_get *previous, *next;
    CURL *easy;
    struct kube_request request;
    struct kube_get_taker taker;
    struct kube_get_limits limits;
    struct event *timer; /* fires when the limit may have been reached */
    uint64_t active_ms;  /* when the last byte came, or when it began */
    bool head;           /* the head of the answer is there */
    long status;
    uint64_t body_len;
    struct bytes body; /* of another answer than 200 */
    int stopped;       /* what a taker or a limit ended it with */
    char error[CURL_ERROR_SIZE];
};

static void unlink_get(struct kube_get *g)
{
    if (g->previous != NULL)
        g->previous->next = g->next;
    else
        g->http->gets = g->next;
    if (g->next != NULL)
        g->next->previous = g->previous;
}

static void free_get(struct kube_get *g)
{
    if (g->easy != NULL)
        curl_easy_cleanup(g->easy);
    kube_request_free(&g->request);
    if (g->timer != NULL)
        event_free(g->timer);
    bytes_free(&g->body);
    free(g);
}

void kube_http_cancel(struct kube_get *g)
{
    if (g == NULL)
        return;
    curl_multi_remove_handle(g->http->multi, g->easy);
    unlink_get(g);
    free_get(g);
}

static void finish(struct kube_get *g, int error, const char *text)
{
    struct kube_answer answer = {.error = error, .status = (int)g->status};
    curl_off_t retry = 0;
    char *elsewhere = NULL;
    curl_easy_getinfo(g->easy, CURLINFO_RETRY_AFTER, &retry);
    answer.retry_after_s = retry < 0 ? 0 : retry > UINT32_MAX ? UINT32_MAX : (uint32_t)retry;
    answer.body = g->body.len > 0 ? g->body.data : "";
    answer.body_len = g->body.len;
    if (error != ERR_OK)
        snprintf(answer.text, sizeof answer.text, "%s", text);
    else if (curl_easy_getinfo(g->easy, CURLINFO_REDIRECT_URL, &elsewhere) == CURLE_OK && elsewhere != NULL)
        snprintf(answer.text, sizeof answer.text, "redirected to %s, which is not followed", elsewhere);
    curl_multi_remove_handle(g->http->multi, g->easy);
    unlink_get(g);
    g->taker.done(g->taker.ctx, &answer);
    free_get(g);
}

static int error_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return ERR_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return -EHOSTUNREACH;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return -EPROTO;
    default:
        return -ECONNABORTED;
    }
}

static void on_transfer_done(struct kube_get *g, CURLcode code)
{
    const char *text = g->error[0] != '\0' ? g->error : curl_easy_strerror(code);
    if (code != CURLE_OK && g->stopped != ERR_OK)
        finish(g, g->stopped, err_text(g->stopped));
    else
        finish(g, error_of(code), text);
}

/* Lets libcurl work, then tells the takers of what has ended. */
static void act(struct kube_http *h, curl_socket_t fd, int events)
{
    int running, left;
    curl_multi_socket_action(h->multi, fd, events, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)) != NULL;) {
        struct kube_get *g = NULL;
        if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &g) == CURLE_OK)
            on_transfer_done(g, m->data.result);
    }
}

static void on_multi_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_event(evutil_socket_t fd, short what, void *ctx)
{
    act(ctx, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static struct timeval timeval_of(uint64_t ms)
{
    return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

static int on_multi_wants_timer(CURLM *multi, long ms, void *ctx)
{
    struct kube_http *h = ctx;
    (void)multi;
    if (ms < 0)
        return evtimer_del(h->timer);
    struct timeval t = timeval_of((uint64_t)ms);
    return evtimer_add(h->timer, &t);
}

static int on_multi_wants_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct kube_http *h = ctx;
    struct event *event = socket_ctx;
    (void)easy;
    if (event != NULL)
        event_free(event);
    event = NULL;
    int ret = 0;
    if (what != CURL_POLL_REMOVE) {
        short events =
            (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
        event = event_new(h->base, fd, events, on_socket_event, h);
        ret = event == NULL || event_add(event, NULL) != 0 ? -1 : 0;
    }
    curl_multi_assign(h->multi, fd, event);
    return ret;
}

/* Looks whether the answer has been silent for too long; else sleeps until it may have been. */
static void on_get_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct kube_get *g = ctx;
    (void)fd, (void)what;
    uint64_t limit = g->head ? g->limits.idle_ms : g->limits.head_ms;
    uint64_t silent = clock_ms() - g->active_ms;
    if (silent >= limit) {
        char text[128];
        snprintf(text, sizeof text, g->head ? "silent for %.1f s" : "no answer in %.1f s",
                 (double)limit / 1000);
        finish(g, -ETIMEDOUT, text);
        return;
    }
    struct timeval t = timeval_of(limit - silent);
    evtimer_add(g->timer, &t);
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct kube_get *g = ctx;
    (void)line;
    size_t len = size * count;
    g->active_ms = clock_ms();
    if (len > 2 || g->head) /* the head ends with an empty line */
        return len;
    curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &g->status);
    if (g->status < 200) /* 1xx comes before the answer */
        return len;
    g->head = true;
    struct timeval t = timeval_of(g->limits.idle_ms);
    evtimer_add(g->timer, &t);
    g->stopped = g->status == 200 ? g->taker.head(g->taker.ctx) : ERR_OK;
    return g->stopped == ERR_OK ? len : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct kube_get *g = ctx;
    size_t len = size * count;
    g->active_ms = clock_ms();
    if (g->status != 200) {
        size_t room = KUBE_ERROR_BODY_MAX - g->body.len;
        bytes_append(&g->body, data, len < room ? len : room);
        return len;
    }
    g->body_len += len;
    g->stopped = g->body_len > g->limits.body_max ? ERR_LIMIT : g->taker.data(g->taker.ctx, data, len);
    return g->stopped == ERR_OK ? len : 0;
}

static int set_up(struct kube_get *g, const char *path)
{
    g->easy = curl_easy_init();
    g->timer = evtimer_new(g->http->base, on_get_timer, g);
    struct timeval t = timeval_of(g->limits.head_ms);
    if (g->easy == NULL || g->timer == NULL || evtimer_add(g->timer, &t) != 0)
        return -ENOMEM;
    curl_easy_setopt(g->easy, CURLOPT_PRIVATE, g);
    curl_easy_setopt(g->easy, CURLOPT_ERRORBUFFER, g->error);
    curl_easy_setopt(g->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(g->easy, CURLOPT_HEADERDATA, g);
    curl_easy_setopt(g->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(g->easy, CURLOPT_WRITEDATA, g);
    curl_easy_setopt(g->easy, CURLOPT_FRESH_CONNECT, g->limits.fresh ? 1L : 0L);
    int ret = kube_request_set(&g->request, g->easy, &g->http->target, g->http->auth, path);
    if (ret == ERR_OK && curl_multi_add_handle(g->http->multi, g->easy) != CURLM_OK)
        ret = -ENOMEM;
    return ret;
}

int kube_http_get(struct kube_http *h, const char *path, const struct kube_get_limits *limits,
                  const struct kube_get_taker *taker, struct kube_get **out, struct errtext *e)
{
    struct kube_get *g = calloc(1, sizeof *g);
    if (g == NULL)
        return errtext_set(e, -ENOMEM, "no memory");
    *g = (struct kube_get){.http = h, .taker = *taker, .limits = *limits, .active_ms = clock_ms()};
    bytes_init(&g->body, KUBE_ERROR_BODY_MAX);
    int ret = set_up(g, path);
    if (ret != ERR_OK) {
        free_get(g);
        return errtext_set(e, ret, "%s", err_text(ret));
    }
    g->next = h->gets;
    if (g->next != NULL)
        g->next->previous = g;
    h->gets = g;
    *out = g;
    return ERR_OK;
}

/* Writing to a connection that the server has closed must be an error and not the end of the process. */
static void ignore_sigpipe(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

int kube_http_open(struct event_base *base, const struct kube_auth *auth, struct kube_http **out,
                   struct errtext *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return errtext_set(e, -ENOMEM, "libcurl cannot start");
    ignore_sigpipe();
    int ret = -ENOMEM;
    struct kube_http *h = calloc(1, sizeof *h);
    if (h == NULL)
        goto failed;
    *h = (struct kube_http){.auth = auth, .base = base};
    ret = kube_target_init(&h->target, auth, e);
    if (ret != ERR_OK)
        goto failed;
    h->multi = curl_multi_init();
    h->timer = evtimer_new(base, on_multi_timer, h);
    if (h->multi == NULL || h->timer == NULL) {
        ret = -ENOMEM;
        goto failed;
    }
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_multi_wants_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_multi_wants_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    *out = h;
    return ERR_OK;
failed:
    if (h != NULL)
        kube_http_close(h);
    else
        curl_global_cleanup();
    return errtext_set(e, ret, "%s", err_text(ret));
}

void kube_http_close(struct kube_http *h)
{
    if (h == NULL)
        return;
    while (h->gets != NULL)
        kube_http_cancel(h->gets);
    if (h->multi != NULL)
        curl_multi_cleanup(h->multi); /* closes connections, and with them their events */
    if (h->timer != NULL)
        event_free(h->timer);
    kube_target_free(&h->target);
    free(h);
    curl_global_cleanup();
}
