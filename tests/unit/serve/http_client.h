/*
 * An HTTP client in a thread of its own, while the test's thread runs the server's event loop. Included by
 * one file of a test program.
 */
#ifndef SEAMARK_TESTS_HTTP_CLIENT_H
#define SEAMARK_TESTS_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HTTP_CLIENT_ANSWER_MAX (4 << 20)

struct http_client {
    const struct sockaddr *to;
    socklen_t to_len;
    const char *request;
    bool half_close; /* the client shuts its side after the request */
    char *answer;    /* NUL-terminated */
    size_t len;
    bool failed;
    int done; /* atomic */
};

static inline void *http_client_run(void *ctx)
{
    struct http_client *c = ctx;
    int fd = socket(c->to->sa_family, SOCK_STREAM, 0);
    struct timeval tv = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    c->failed = connect(fd, c->to, c->to_len) != 0;
    size_t want = strlen(c->request);
    if (!c->failed && send(fd, c->request, want, MSG_NOSIGNAL) != (ssize_t)want)
        c->failed = true;
    if (c->half_close)
        shutdown(fd, SHUT_WR);
    while (!c->failed && c->len < HTTP_CLIENT_ANSWER_MAX - 1) {
        ssize_t n = recv(fd, c->answer + c->len, HTTP_CLIENT_ANSWER_MAX - 1 - c->len, 0);
        c->failed = n < 0;
        if (n <= 0)
            break;
        c->len += (size_t)n;
    }
    c->answer[c->len] = '\0';
    close(fd);
    __atomic_store_n(&c->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* The whole answer to `request`, "failed" where there is none; valid until the next call. */
static inline const char *http_client_fetch(struct event_base *base, const struct sockaddr *to, socklen_t len,
                                            const char *request, bool half_close)
{
    static char answer[HTTP_CLIENT_ANSWER_MAX];
    struct http_client c = {
        .to = to, .to_len = len, .request = request, .half_close = half_close, .answer = answer};
    pthread_t thread;
    if (pthread_create(&thread, NULL, http_client_run, &c) != 0)
        abort();
    while (!__atomic_load_n(&c.done, __ATOMIC_ACQUIRE)) {
        struct timeval tv = {.tv_usec = 10000};
        event_base_loopexit(base, &tv);
        event_base_dispatch(base);
    }
    pthread_join(thread, NULL);
    return c.failed ? "failed" : answer;
}

/* A port of 127.0.0.1 that nobody has just now. */
static inline unsigned http_client_free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&in, len) < 0 ||
        getsockname(fd, (struct sockaddr *)&in, &len) < 0)
        abort();
    close(fd);
    return ntohs(in.sin_port);
}

/* GET of a path at 127.0.0.1. */
static inline const char *http_client_get(struct event_base *base, unsigned port, const char *path)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
    return http_client_fetch(base, (const struct sockaddr *)&to, sizeof to, request, false);
}

#endif
