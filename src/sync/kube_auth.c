#include "sync/kube_auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "sync/kube_config.h"

/* client-go's: a file that was written without a change of its times is still seen within the minute. */
#define TOKEN_AGE_MAX_MS 60000

static void pem_free(struct kube_pem *p)
{
    free(p->path);
    bytes_free(&p->data);
}

void kube_auth_free(struct kube_auth *a)
{
    pem_free(&a->ca);
    pem_free(&a->cert);
    pem_free(&a->key);
    free(a->server);
    free(a->tls_server_name);
    free(a->proxy);
    free(a->username);
    free(a->password);
    free(a->token);
    free(a->token_file);
    *a = (struct kube_auth){0};
}

static int copy(char **slot, const char *text, struct errtext *e)
{
    *slot = strdup(text);
    return *slot != NULL ? ERR_OK : errtext_set(e, -ENOMEM, "no memory");
}

static bool pem_given(const struct kube_pem *p)
{
    return p->path != NULL || p->data.len > 0;
}

/* As client-go: a server without a scheme is https where something about TLS is said, else http. */
int kube_auth_set_server(struct kube_auth *a, const char *url, struct errtext *e)
{
    bool tls = pem_given(&a->ca) || pem_given(&a->cert) || a->insecure;
    const char *scheme = strstr(url, "://") != NULL ? "" : tls ? "https://" : "http://";
    const char *host = scheme[0] == '\0' ? strstr(url, "://") + 3 : url;
    bool known =
        scheme[0] != '\0' || strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0;
    if (!known || host[0] == '\0' || strchr("/:?#@", host[0]) != NULL)
        return errtext_set(e, ERR_CONFIG,
                           "expected the URL of an API server (https://HOST:PORT), found \"%s\"", url);
    for (const char *p = url; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || strchr("?#@\\\"", *p) != NULL)
            return errtext_set(e, ERR_CONFIG, "a byte in the URL \"%s\" does not belong there", url);
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    if (asprintf(&a->server, "%s%.*s", scheme, (int)len, url) >= 0)
        return ERR_OK;
    a->server = NULL;
    return errtext_set(e, -ENOMEM, "no memory");
}

int kube_auth_set_token(struct kube_auth *a, const char *token, size_t len, struct errtext *e)
{
    while (len > 0 && strchr(" \t\r\n", token[len - 1]) != NULL)
        len--;
    while (len > 0 && strchr(" \t\r\n", token[0]) != NULL)
        token++, len--;
    if (len == 0 || len > KUBE_TOKEN_MAX)
        return errtext_set(e, ERR_CONFIG, len == 0 ? "the token is empty" : "the token is too long");
    for (size_t i = 0; i < len; i++) /* it goes into an HTTP header */
        if (token[i] <= ' ' || token[i] > '~')
            return errtext_set(e, ERR_CONFIG, "the token has a byte in it that is no letter, digit or sign");
    char *fresh = strndup(token, len);
    if (fresh == NULL)
        return errtext_set(e, -ENOMEM, "no memory");
    free(a->token);
    a->token = fresh;
    return ERR_OK;
}

int kube_auth_check(const struct kube_auth *a, struct errtext *e)
{
    if (pem_given(&a->cert) != pem_given(&a->key))
        return errtext_set(e, ERR_CONFIG, "a client %s is given without its %s",
                           pem_given(&a->cert) ? "certificate" : "key",
                           pem_given(&a->cert) ? "key" : "certificate");
    if (a->insecure &&
        pem_given(&a->ca)) /* client-go refuses it too: it is not clear which of the two is meant */
        return errtext_set(
            e, ERR_CONFIG,
            "a certificate authority is given, and insecure-skip-tls-verify says not to use it");
    if ((a->username != NULL) != (a->password != NULL))
        return errtext_set(e, ERR_CONFIG, "username and password are not given together");
    return ERR_OK;
}

static int read_token(struct kube_auth *a, struct errtext *e)
{
    struct errtext why = {{0}};
    struct bytes content;
    bytes_init(&content, KUBE_TOKEN_MAX);
    int ret = fsio_read(a->token_file, &content);
    if (ret != ERR_OK)
        errtext_set(&why, ret, "%s", err_text(ret));
    else
        ret = kube_auth_set_token(a, content.data, content.len, &why);
    bytes_free(&content);
    if (ret != ERR_OK)
        return errtext_set(e, ret == -ENOMEM ? ret : ERR_CONFIG, "cannot read the token %s (%s)",
                           a->token_file, why.text);
    a->token_read_ms = clock_ms();
    return ERR_OK;
}

int kube_auth_refresh(struct kube_auth *a, struct errtext *e)
{
    if (a->token_file == NULL)
        return ERR_OK;
    struct stat st = {0};
    if (stat(a->token_file, &st) == 0) {
        const struct stat *was = &a->token_stat;
        bool same = st.st_ino == was->st_ino && st.st_dev == was->st_dev && st.st_size == was->st_size &&
                    st.st_mtim.tv_sec == was->st_mtim.tv_sec && st.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
        if (same && a->token != NULL && clock_ms() - a->token_read_ms < TOKEN_AGE_MAX_MS)
            return ERR_OK;
    }
    int ret = read_token(a, e);
    if (ret == ERR_OK) /* taken before the reading: what is written meanwhile is seen the next time */
        a->token_stat = st;
    return ret;
}

int kube_auth_in_cluster(const char *folder, struct kube_auth *out, struct errtext *e)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    if (host == NULL || host[0] == '\0' || port == NULL || port[0] == '\0')
        return errtext_set(e, ERR_CONFIG,
                           "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not "
                           "set (elsewhere give `kubeconfig` or `endpoint`)");
    struct kube_auth a = {0};
    char url[512];
    bool six = strchr(host, ':') != NULL && host[0] != '[';
    int n = snprintf(url, sizeof url, "https://%s%s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
    int ret = n > 0 && (size_t)n < sizeof url
                  ? kube_auth_set_server(&a, url, e)
                  : errtext_set(e, ERR_CONFIG, "KUBERNETES_SERVICE_HOST is too long");
    if (ret == ERR_OK &&
        (asprintf(&a.ca.path, "%s/ca.crt", folder) < 0 || asprintf(&a.token_file, "%s/token", folder) < 0))
        ret = errtext_set(e, -ENOMEM, "no memory");
    if (ret == ERR_OK)
        ret = kube_auth_refresh(&a, e);
    if (ret != ERR_OK) {
        kube_auth_free(&a);
        return ret;
    }
    *out = a;
    return ERR_OK;
}

static int from_endpoint(const struct kubernetes_block *k, struct kube_auth *out, struct errtext *e)
{
    struct kube_auth a = {0};
    int ret = ERR_OK;
    if (k->tls_ca != NULL)
        ret = copy(&a.ca.path, k->tls_ca, e);
    if (ret == ERR_OK && k->tls_cert != NULL)
        ret = copy(&a.cert.path, k->tls_cert, e);
    if (ret == ERR_OK && k->tls_key != NULL)
        ret = copy(&a.key.path, k->tls_key, e);
    if (ret == ERR_OK)
        ret = kube_auth_set_server(&a, k->endpoint, e);
    if (ret == ERR_OK)
        ret = kube_auth_check(&a, e);
    if (ret != ERR_OK) {
        kube_auth_free(&a);
        return ret;
    }
    *out = a;
    return ERR_OK;
}

int kube_auth_load(const struct kubernetes_block *k, struct kube_auth *out, struct errtext *e)
{
    if (k->kubeconfig != NULL)
        return kube_config_load(k->kubeconfig, k->context, out, e);
    if (k->endpoint != NULL)
        return from_endpoint(k, out, e);
    const char *folder = getenv(KUBE_ACCOUNT_VARIABLE);
    return kube_auth_in_cluster(folder != NULL && folder[0] != '\0' ? folder : KUBE_ACCOUNT_FOLDER, out, e);
}
