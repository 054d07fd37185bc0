/*
 * Where the API server is, how it is recognised and what it is shown: from the pod's service account, a
 * kubeconfig (kube_config.h) or the `endpoint` and `tls` options. Keys and certificates that a kubeconfig
 * holds inline stay in memory and are never written to disk. Nothing here is ever logged but paths and names.
 *
 * One thread. A kube_auth owns all it points to: kube_auth_free().
 */
#ifndef SEAMARK_SYNC_KUBE_AUTH_H
#define SEAMARK_SYNC_KUBE_AUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/err.h"
#include "conf/kubernetes_block.h"

/* Where the kubelet puts the token and the CA; the variable names another folder, for tests. */
#define KUBE_ACCOUNT_FOLDER   "/var/run/secrets/kubernetes.io/serviceaccount"
#define KUBE_ACCOUNT_VARIABLE "SEAMARK_SERVICE_ACCOUNT"

/* A service account token is about 1 KiB, one of an identity provider some KiB; servers take headers of at
 * most 1 MiB. */
#define KUBE_TOKEN_MAX ((size_t)64 << 10)
/* A bundle of a hundred CAs is some 200 KiB. */
#define KUBE_PEM_MAX ((size_t)1 << 20)

/* Something that TLS needs: a file, read anew at each handshake, or PEM text in memory. Neither: not given.
 */
struct kube_pem {
    char *path;
    struct bytes data;
};

struct kube_auth {
    char *server; /* "https://[fd00::1]:6443" or with a path behind it; no final slash */
    struct kube_pem ca, cert, key;
    bool insecure;         /* the kubeconfig says not to verify the server */
    char *tls_server_name; /* the name that the server's certificate must carry; NULL: the host of `server` */
    char *proxy;           /* proxy-url, or NULL */
    char *username, *password;
    char *token; /* as it is sent, or NULL */
    char *token_file;
    struct stat token_stat; /* of the file when it was read */
    uint64_t token_read_ms; /* monotonic */
};

/* Reads what the block asks for: kubeconfig, else endpoint, else the service account. `e` says what is
 * missing where. Errors: ERR_CONFIG, -ENOMEM. */
int kube_auth_load(const struct kubernetes_block *k, struct kube_auth *out, struct errtext *e);

/* The service account in that folder, and KUBERNETES_SERVICE_HOST and _PORT. */
int kube_auth_in_cluster(const char *folder, struct kube_auth *out, struct errtext *e);

void kube_auth_free(struct kube_auth *a);

/* Reads the token file again where it has changed or was last read a minute ago. ERR_OK also where there is
 * none. On an error, with `e` set, the token read before stays. */
int kube_auth_refresh(struct kube_auth *a, struct errtext *e);

/* For whoever fills a kube_auth. Each sets `e` and returns ERR_CONFIG or -ENOMEM. */
int kube_auth_set_server(struct kube_auth *a, const char *url, struct errtext *e);
int kube_auth_set_token(struct kube_auth *a, const char *token, size_t len, struct errtext *e);
int kube_auth_check(const struct kube_auth *a,
                    struct errtext *e); /* what belongs together is there together */

#endif
