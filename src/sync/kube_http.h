/*
 * GET requests to one API server, over libcurl's multi interface on a libevent loop. The only module that
 * knows libcurl.
 *
 * All requests share the connections to the server: with HTTP/2, which is asked for in the TLS handshake, one
 * connection carries them all. The server's certificate is always verified, against the CA of the kube_auth
 * alone where it has one (else the system's), unless a kubeconfig says insecure-skip-tls-verify. Redirects
 * are not followed: an API server does not redirect, and a token must not go elsewhere.
 *
 * One thread: the one of the event base. No function of this header may be called from within a taker's
 * `head` or `data` (libcurl is at work then); from `done` all but kube_http_close() may. A process that has
 * one open ignores SIGPIPE, unless it had a handler.
 */
#ifndef SEAMARK_SYNC_KUBE_HTTP_H
#define SEAMARK_SYNC_KUBE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sync/kube_auth.h"

struct event_base;
struct kube_http;
struct kube_get;

/* Body of an answer other than 200 that is kept: a Status object is below 2 KiB, its message included. */
#define KUBE_ERROR_BODY_MAX ((size_t)64 << 10)

/* How a request ended. Valid during the call of `done`. */
struct kube_answer {
    /* ERR_OK: the answer came whole, whatever its status. Else why it did not, with `text` set: what a taker
     * returned, ERR_LIMIT, -ENOMEM, -ETIMEDOUT, -EHOSTUNREACH (no connection), -EPROTO (TLS did not come
     * about), -ECONNABORTED (the connection was lost, and all else). */
    int error;
    int status;             /* HTTP status; 0 where none came */
    uint32_t retry_after_s; /* Retry-After, 0 where there is none */
    const char *body;       /* of an answer other than 200, NUL-terminated; "" where none */
    size_t body_len;
    char text[256]; /* for a person: "Failed to connect to ...", "redirected to ..."; "" where error and
                       status say all */
};

struct kube_get_taker {
    void *ctx;
    /* The server has said 200. Other than ERR_OK ends the request with that code. */
    int (*head)(void *ctx);
    /* The next bytes of the body of a 200. Other than ERR_OK ends the request with that code. */
    int (*data)(void *ctx, const char *data, size_t len);
    /* The last call. The request is gone when it returns. */
    void (*done)(void *ctx, const struct kube_answer *answer);
};

struct kube_get_limits {
    uint32_t head_ms;  /* until the head of the answer is there, connecting included */
    uint32_t idle_ms;  /* without a byte afterwards */
    uint64_t body_max; /* bytes of a 200's body */
    bool fresh;        /* on a connection of its own: those that exist are not trusted */
};

/* `auth` is borrowed until kube_http_close(), and read for each request anew. */
int kube_http_open(struct event_base *base, const struct kube_auth *auth, struct kube_http **out,
                   struct errtext *e);
/* Ends all requests without a word to their takers. NULL allowed. */
void kube_http_close(struct kube_http *h);

/* Asks for `path` ("/api/v1/services?limit=500") below the server's URL. `taker` and `limits` are copied.
 * What is wrong with the connection is told to taker.done, later. Errors: ERR_CONFIG, -ENOMEM. */
int kube_http_get(struct kube_http *h, const char *path, const struct kube_get_limits *limits,
                  const struct kube_get_taker *taker, struct kube_get **out, struct errtext *e);
/* Ends it without a word to its taker. NULL allowed. */
void kube_http_cancel(struct kube_get *get);

#endif
