#include "sync/kube_http_request.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#define CONNECT_MS 10000L
/* An idle connection is probed each 15 s, and a peer that does not acknowledge is given up after 30 s. */
#define KEEPALIVE_S     15L
#define USER_TIMEOUT_MS 30000u

static void name_agent(char out[128])
{
    struct utsname u = {0};
    uname(&u);
    const char *arch = strcmp(u.machine, "x86_64") == 0    ? "amd64"
                       : strcmp(u.machine, "aarch64") == 0 ? "arm64"
                                                           : u.machine; /* else as the kernel names it */
    snprintf(out, 128, "seamark-sync/%s (linux/%.40s)", SEAMARK_VERSION, arch);
}

/* Other name for the certificate than for the connection (tls-server-name). */
static int rename_host(struct kube_target *t, CURLU *u, const char *name, const char *host)
{
    char *port = NULL;
    int ret = ERR_OK;
    if (curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return -ENOMEM;
    if (asprintf(&t->host, "%s:%s", host, port) < 0) {
        t->host = NULL;
        ret = -ENOMEM;
    } else if (asprintf(&t->connect_to, "%s:%s:%s", name, port, t->host) < 0) {
        t->connect_to = NULL;
        ret = -ENOMEM;
    }
    curl_free(port);
    return ret == ERR_OK && curl_url_set(u, CURLUPART_HOST, name, 0) != CURLUE_OK ? ERR_CONFIG : ret;
}

int kube_target_init(struct kube_target *t, const struct kube_auth *auth, struct errtext *e)
{
    *t = (struct kube_target){0};
    name_agent(t->agent);
    char *host = NULL, *url = NULL;
    CURLU *u = curl_url();
    if (u == NULL)
        return errtext_set(e, -ENOMEM, "no memory");
    int ret = ERR_OK;
    if (curl_url_set(u, CURLUPART_URL, auth->server, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        ret = errtext_set(e, ERR_CONFIG, "not the URL of an API server: %s", auth->server);
    if (ret == ERR_OK) {
        t->loopback =
            strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
        if (auth->tls_server_name != NULL)
            ret = rename_host(t, u, auth->tls_server_name, host);
        if (ret == ERR_CONFIG)
            errtext_set(e, ret, "tls-server-name is not a host name: %s", auth->tls_server_name);
    }
    if (ret == ERR_OK &&
        (curl_url_get(u, CURLUPART_URL, &url, 0) != CURLUE_OK || (t->url = strdup(url)) == NULL))
        ret = errtext_set(e, -ENOMEM, "no memory");
    size_t len = t->url == NULL ? 0 : strlen(t->url);
    if (len > 0 && t->url[len - 1] == '/') /* libcurl adds the empty path */
        t->url[len - 1] = '\0';
    curl_free(url);
    curl_free(host);
    curl_url_cleanup(u);
    if (ret != ERR_OK)
        kube_target_free(t);
    return ret;
}

void kube_target_free(struct kube_target *t)
{
    free(t->url);
    free(t->connect_to);
    free(t->host);
    *t = (struct kube_target){0};
}

static int add_line(struct curl_slist **list, const char *before, const char *text)
{
    char *line;
    if (asprintf(&line, "%s%s", before, text) < 0)
        return -ENOMEM;
    struct curl_slist *longer = curl_slist_append(*list, line);
    free(line);
    if (longer == NULL)
        return -ENOMEM;
    *list = longer;
    return ERR_OK;
}

static int set_headers(struct kube_request *r, CURL *easy, const struct kube_target *t,
                       const struct kube_auth *auth)
{
    int ret = add_line(&r->headers, "Accept: ", "application/json");
    if (ret == ERR_OK && auth->token != NULL)
        ret = add_line(&r->headers, "Authorization: Bearer ", auth->token);
    if (ret == ERR_OK && t->host != NULL)
        ret = add_line(&r->headers, "Host: ", t->host);
    if (auth->token == NULL && auth->username != NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, auth->username);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, auth->password);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, t->agent);
    return ret;
}

static void set_pem(CURL *easy, CURLoption file, CURLoption blob, const struct kube_pem *pem)
{
    struct curl_blob b = {pem->data.data, pem->data.len, CURL_BLOB_COPY};
    if (pem->data.len > 0)
        curl_easy_setopt(easy, blob, &b);
    else if (pem->path != NULL)
        curl_easy_setopt(easy, file, pem->path);
}

static void set_tls(CURL *easy, const struct kube_auth *auth)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, auth->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, auth->insecure ? 0L : 2L);
    /* A CA file that was renewed counts from the next handshake on. */
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (auth->ca.path != NULL || auth->ca.data.len > 0) { /* this CA alone: not the system's beside it */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
        set_pem(easy, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, &auth->ca);
    }
    set_pem(easy, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, &auth->cert);
    set_pem(easy, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, &auth->key);
}

static int on_new_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    unsigned ms = USER_TIMEOUT_MS;
    (void)ctx, (void)purpose;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
    return CURL_SOCKOPT_OK;
}

static int set_connection(struct kube_request *r, CURL *easy, const struct kube_target *t,
                          const struct kube_auth *auth)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    /* Rather wait for a connection being made than make another: HTTP/2 carries all, and comes with TLS
     * alone. */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, strncasecmp(t->url, "https:", 6) == 0 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    if (auth->proxy != NULL)
        curl_easy_setopt(easy, CURLOPT_PROXY, auth->proxy);
    else if (t->loopback) /* as Go: HTTPS_PROXY does not count for loopback */
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (t->connect_to == NULL)
        return ERR_OK;
    int ret = add_line(&r->connect_to, "", t->connect_to);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, r->connect_to);
    return ret;
}

int kube_request_set(struct kube_request *r, CURL *easy, const struct kube_target *t,
                     const struct kube_auth *auth, const char *path)
{
    char *url;
    *r = (struct kube_request){0};
    if (asprintf(&url, "%s%s", t->url, path) < 0)
        return -ENOMEM;
    int ret = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK ? ERR_OK : -ENOMEM;
    free(url);
    if (ret == ERR_OK)
        ret = set_headers(r, easy, t, auth);
    if (ret == ERR_OK)
        ret = set_connection(r, easy, t, auth);
    set_tls(easy, auth);
    return ret;
}

void kube_request_free(struct kube_request *r)
{
    curl_slist_free_all(r->headers);
    curl_slist_free_all(r->connect_to);
    *r = (struct kube_request){0};
}
