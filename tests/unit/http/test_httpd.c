#include "http/httpd.h"

#include <errno.h>

#include "../serve/http_client.h"

#include "../runner.h"

static struct event_base *base;

static int page_ok(void *ctx, struct bytes *body)
{
    bytes_append_str(body, ctx);
    return 200;
}

static int page_busy(void *ctx, struct bytes *body)
{
    bytes_append_str(body, ctx);
    return 503;
}

static int page_large(void *ctx, struct bytes *body)
{
    (void)ctx;
    for (int i = 0; i < 300000; i++)
        bytes_append_str(body, "0123456789");
    return 200;
}

static int page_too_large(void *ctx, struct bytes *body)
{
    (void)ctx;
    bytes_reserve(body, (size_t)1 << 30);
    return 200;
}

static struct http_endpoint *open_at(const char *address, const char *path,
                                     int (*page)(void *, struct bytes *), const char *ctx)
{
    char *text = strdup(ctx);
    static char *kept[64]; /* freed at the next use of the place */
    static unsigned next;
    free(kept[next % 64]);
    kept[next++ % 64] = text;
    struct http_service s = {.base = base,
                             .address = address,
                             .path = path,
                             .content_type = "text/plain",
                             .page = page,
                             .ctx = text};
    struct http_endpoint *ep = NULL;
    struct errtext e = {0};
    int ret = httpd_open(&s, &ep, &e);
    if (ret != 0)
        fprintf(stderr, "%s\n", e.text);
    CU_ASSERT_EQUAL_FATAL(ret, 0);
    return ep;
}

static const char *fetch(const struct http_endpoint *ep, const char *request, bool half_close)
{
    struct sockaddr_storage to;
    socklen_t len = httpd_local_address(ep, &to);
    return http_client_fetch(base, (const struct sockaddr *)&to, len, request, half_close);
}

static bool starts(const char *text, const char *with)
{
    bool ok = strncmp(text, with, strlen(with)) == 0;
    if (!ok)
        fprintf(stderr, "answer: %.200s\n", text);
    return ok;
}

static bool ends(const char *text, const char *with)
{
    size_t len = strlen(text), n = strlen(with);
    return len >= n && strcmp(text + len - n, with) == 0;
}

static void test_pages(void)
{
    struct http_endpoint *health = open_at("127.0.0.1:0", "/health", page_ok, "OK");
    struct http_endpoint *ready = open_at("127.0.0.1:0", "/ready", page_busy, "kubernetes");
    const char *text = fetch(health, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", false);
    CU_ASSERT_STRING_EQUAL(
        text,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK");
    text = fetch(ready, "GET /ready?x=1 HTTP/1.0\r\n\r\n", true);
    CU_ASSERT_TRUE(starts(text, "HTTP/1.1 503 Service Unavailable\r\n"));
    CU_ASSERT_TRUE(ends(text, "\r\n\r\nkubernetes"));
    text = fetch(ready, "HEAD /ready HTTP/1.1\r\n\r\n", false);
    CU_ASSERT_TRUE(starts(text, "HTTP/1.1 503 Service Unavailable\r\n"));
    CU_ASSERT_TRUE(ends(text, "Content-Length: 10\r\nConnection: close\r\n\r\n"));
    httpd_close(health);
    httpd_close(ready);
}

static void test_refusals(void)
{
    struct http_endpoint *ep = open_at("127.0.0.1:0", "/health", page_ok, "OK");
    CU_ASSERT_TRUE(starts(fetch(ep, "GET /healthz HTTP/1.1\r\n\r\n", false), "HTTP/1.1 404 Not Found\r\n"));
    CU_ASSERT_TRUE(starts(fetch(ep, "GET / HTTP/1.1\r\n\r\n", false), "HTTP/1.1 404 Not Found\r\n"));
    const char *text = fetch(ep, "POST /health HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", false);
    CU_ASSERT_TRUE(starts(text, "HTTP/1.1 405 Method Not Allowed\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\r\nAllow: GET, HEAD\r\n"));
    CU_ASSERT_TRUE(starts(fetch(ep, "hello\r\n\r\n", false), "HTTP/1.1 400 Bad Request\r\n"));
    char *large = calloc(1, 40000);
    int head = snprintf(large, 40000, "GET /health HTTP/1.1\r\nX: ");
    memset(large + head, 'a', 30000);
    CU_ASSERT_TRUE(starts(fetch(ep, large, false), "HTTP/1.1 431 "));
    free(large);
    httpd_close(ep);
}

static void test_large_page(void)
{
    struct http_endpoint *ep = open_at("[::1]:0", "/metrics", page_large, "");
    const char *text = fetch(ep, "GET /metrics HTTP/1.1\r\n\r\n", true);
    CU_ASSERT_TRUE(starts(text, "HTTP/1.1 200 OK\r\n"));
    CU_ASSERT_EQUAL(strlen(strstr(text, "\r\n\r\n") + 4), 3000000);
    struct http_endpoint *newer = open_at("[::1]:0", "/metrics", page_too_large, "");
    CU_ASSERT_TRUE(starts(fetch(newer, "GET /metrics HTTP/1.1\r\n\r\n", false), "HTTP/1.1 500 "));
    httpd_close(newer);
    httpd_close(ep);
}

static void test_shared_address(void)
{
    struct http_endpoint *old = open_at("127.0.0.1:0", "/a", page_ok, "old");
    struct http_endpoint *other = open_at("127.0.0.1:0", "/b", page_ok, "b");
    struct sockaddr_storage one, two;
    CU_ASSERT_EQUAL(httpd_local_address(old, &one), httpd_local_address(other, &two));
    CU_ASSERT_EQUAL(memcmp(&one, &two, sizeof one), 0);
    struct http_endpoint *young = open_at("127.0.0.1:0", "/a", page_ok, "young");
    CU_ASSERT_TRUE(ends(fetch(old, "GET /a HTTP/1.1\r\n\r\n", false), "\r\n\r\nyoung"));
    httpd_close(old);
    CU_ASSERT_TRUE(ends(fetch(young, "GET /a HTTP/1.1\r\n\r\n", false), "\r\n\r\nyoung"));
    httpd_close(young);
    CU_ASSERT_TRUE(starts(fetch(other, "GET /a HTTP/1.1\r\n\r\n", false), "HTTP/1.1 404 "));
    CU_ASSERT_TRUE(ends(fetch(other, "GET /b HTTP/1.1\r\n\r\n", false), "\r\n\r\nb"));
    httpd_close(other);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_NOT_EQUAL(connect(fd, (const struct sockaddr *)&one, sizeof(struct sockaddr_in)), 0);
    close(fd);
}

static void test_address_in_use(void)
{
    struct http_endpoint *ep = open_at("127.0.0.1:0", "/a", page_ok, "a");
    struct sockaddr_storage sa;
    httpd_local_address(ep, &sa);
    char address[64];
    snprintf(address, sizeof address, "localhost:%u", ntohs(((struct sockaddr_in *)&sa)->sin_port));
    struct http_service s = {
        .base = base, .address = address, .path = "/", .content_type = "x", .page = page_ok};
    struct errtext e = {0};
    struct http_endpoint *none = NULL;
    CU_ASSERT_EQUAL(httpd_open(&s, &none, &e), -EADDRINUSE);
    CU_ASSERT_PTR_NULL(none);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "cannot listen on localhost:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "(Address already in use)"));
    httpd_close(ep);
}

static void test_eviction(void)
{
    enum { MANY = 100 };
    struct http_endpoint *ep = open_at("127.0.0.1:0", "/health", page_ok, "OK");
    struct sockaddr_storage sa;
    socklen_t len = httpd_local_address(ep, &sa);
    int fds[MANY];
    for (int i = 0; i < MANY; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        CU_ASSERT_EQUAL(connect(fds[i], (const struct sockaddr *)&sa, len), 0);
        CU_ASSERT_EQUAL(send(fds[i], "GET ", 4, 0), 4);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    CU_ASSERT_TRUE(ends(fetch(ep, "GET /health HTTP/1.1\r\n\r\n", false), "\r\n\r\nOK"));
    char octet;
    ssize_t oldest = recv(fds[0], &octet, 1, MSG_DONTWAIT);
    CU_ASSERT_TRUE(oldest == 0 || (oldest < 0 && errno != EAGAIN));
    CU_ASSERT_TRUE(recv(fds[MANY - 1], &octet, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    httpd_close(ep); /* with connections that wait */
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

static void test_slow_request(void)
{
    struct http_endpoint *ep = open_at("127.0.0.1:0", "/health", page_ok, "OK");
    struct sockaddr_storage sa;
    socklen_t len = httpd_local_address(ep, &sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(connect(fd, (const struct sockaddr *)&sa, len), 0);
    char octet = 'G';
    bool closed = false;
    for (int i = 0; i < 70 && !closed; i++) { /* an octet every 100 ms never gets to the end of a head */
        send(fd, &octet, 1, MSG_NOSIGNAL);
        struct timeval tv = {.tv_usec = 100000};
        event_base_loopexit(base, &tv);
        event_base_dispatch(base);
        ssize_t n = recv(fd, &octet, 1, MSG_DONTWAIT);
        closed = n == 0 || (n < 0 && errno != EAGAIN);
        octet = 'G';
    }
    CU_ASSERT_TRUE(closed);
    close(fd);
    httpd_close(ep);
}

static void test_addresses(void)
{
    static const char *const good[] = {":8080", "localhost:9153", "127.0.0.1:0", "[::1]:65535", "[::]:80"};
    static const char *const bad[] = {"",        "8080", "localhost", "::1:8080", "[::1]",
                                      "[::1:80", "a:b",  ":65536",    "a:-1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_EQUAL(httpd_check_address(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct errtext e = {0};
        CU_ASSERT_EQUAL(httpd_check_address(bad[i], &e), ERR_MALFORMED);
        CU_ASSERT_NOT_EQUAL(e.text[0], '\0');
    }
    struct http_endpoint *all = open_at(":0", "/", page_ok, "all");
    CU_ASSERT_TRUE(ends(fetch(all, "GET / HTTP/1.1\r\n\r\n", false), "\r\n\r\nall"));
    httpd_close(all);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"pages answer GET and HEAD with their status, type and length", test_pages},
        {"other paths, methods and broken or oversize heads are refused each with its status", test_refusals},
        {"a page of megabytes arrives whole and one over the limit is an error", test_large_page},
        {"endpoints of one address share a socket, the newer of one path answers, the last closes it",
         test_shared_address},
        {"an address in use is an error that names it", test_address_in_use},
        {"connections that send nothing give way to new ones", test_eviction},
        {"a request that comes in too slowly is cut off", test_slow_request},
        {"addresses read as Go reads them", test_addresses},
    };
    base = event_base_new();
    int status = run_suite("httpd", tests, sizeof tests / sizeof tests[0]);
    event_base_free(base);
    return status;
}
