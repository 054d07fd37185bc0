/*
 * How a request of kube_http is put to libcurl: where it goes, what it shows, whom it trusts. Private to
 * kube_http; the two are the module that knows libcurl. One thread.
 */
#ifndef SEAMARK_SYNC_KUBE_HTTP_REQUEST_H
#define SEAMARK_SYNC_KUBE_HTTP_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/err.h"
#include "sync/kube_auth.h"

/* The server's URL, taken apart once. */
struct kube_target {
    char *url;        /* that requests go to; its host is the name that the certificate must carry */
    char *connect_to; /* "NAME:PORT:HOST:PORT" where the host to connect to is another one; else NULL */
    char *host;       /* the Host header then; else NULL */
    bool loopback;
    char agent[128]; /* "seamark-sync/1.0.0 (linux/amd64)" */
};

/* Errors: ERR_CONFIG with `e` set, -ENOMEM. */
int kube_target_init(struct kube_target *t, const struct kube_auth *auth, struct errtext *e);
void kube_target_free(struct kube_target *t);

/* The lists that a handle borrows while it lives. */
struct kube_request {
    struct curl_slist *headers, *connect_to;
};

/* Sets all that one GET of `path` needs but its callbacks. `r` is released after the handle:
 * kube_request_free(), also after a failure. Errors: -ENOMEM. */
int kube_request_set(struct kube_request *r, CURL *easy, const struct kube_target *t,
                     const struct kube_auth *auth, const char *path);
void kube_request_free(struct kube_request *r);

#endif
