#include "conf/kubernetes_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define PLUGIN "kubernetes"

#define TTL_DEFAULT 5
#define TTL_MAX     3600 /* CoreDNS's limit */

#define STARTUP_TIMEOUT_DEFAULT_MS 5000
/* CoreDNS has no limit; a day is longer than anybody waits. */
#define STARTUP_TIMEOUT_MAX_MS ((int64_t)24 * 3600 * 1000)

/* Replaces *slot by a copy: of an option given twice the last one holds, as in CoreDNS. */
static int set_text(char **slot, const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);
    if (text != NULL && copy == NULL)
        return -ENOMEM;
    free(*slot);
    *slot = copy;
    return ERR_OK;
}

static int read_endpoint(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    const char *url = d->args[0];
    const char *scheme_end = strstr(url, "://");
    if (scheme_end != NULL && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return args_error(e, PLUGIN, d,
                          "expected a URL with http:// or https:// behind \"endpoint\", found \"%.100s\"",
                          url);
    if (*url == '\0' || (scheme_end != NULL && scheme_end[3] == '\0'))
        return args_error(e, PLUGIN, d, "expected a URL behind \"endpoint\", found \"%.100s\"", url);
    if (d->nargs > 1)
        log_warning("plugin/kubernetes: only the first endpoint is used: %s", url);
    return set_text(&k->endpoint, url);
}

static int read_tls(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)e;
    int ret = set_text(&k->tls_cert, d->args[0]);
    if (ret == ERR_OK)
        ret = set_text(&k->tls_key, d->args[1]);
    return ret == ERR_OK ? set_text(&k->tls_ca, d->args[2]) : ret;
}

static int read_kubeconfig(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)e;
    int ret = set_text(&k->kubeconfig, d->args[0]);
    return ret == ERR_OK ? set_text(&k->context, d->nargs > 1 ? d->args[1] : NULL) : ret;
}

static int read_objects(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    if (*d->args[0] == '\0')
        return args_error(e, PLUGIN, d,
                          "expected a file or a folder behind \"objects\", found an empty word");
    return set_text(&k->objects, d->args[0]);
}

/* What the API server allows as a namespace's name (RFC 1123 label). */
static bool is_namespace(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           name[0] != '-' && name[len - 1] != '-';
}

static int read_namespaces(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < d->nargs; i++) {
        if (!is_namespace(d->args[i]))
            log_warning("plugin/kubernetes: \"%.100s\" can be no namespace's name (%s:%u)", d->args[i],
                        d->file, d->line);
        ret = zone_list_add_plain(&k->namespaces, d->args[i]);
    }
    return ret == ERR_LIMIT ? args_error(e, PLUGIN, d, "too many namespaces") : ret;
}

static int read_pods(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    if (strcmp(d->args[0], "disabled") == 0)
        k->pods = PODS_DISABLED;
    else if (strcmp(d->args[0], "insecure") == 0)
        k->pods = PODS_INSECURE;
    else if (strcmp(d->args[0], "verified") == 0)
        k->pods = PODS_VERIFIED;
    else
        return args_error(
            e, PLUGIN, d,
            "expected \"disabled\", \"insecure\" or \"verified\" behind \"pods\", found \"%.100s\"",
            d->args[0]);
    return ERR_OK;
}

static int read_endpoint_pod_names(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)d, (void)e;
    k->endpoint_pod_names = true;
    return ERR_OK;
}

static int read_noendpoints(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)d, (void)e;
    k->noendpoints = true;
    return ERR_OK;
}

static int read_ttl(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    uint64_t ttl;
    int ret = args_uint(e, PLUGIN, d, d->args[0], 0, TTL_MAX, &ttl);
    if (ret == ERR_OK)
        k->ttl = (uint32_t)ttl;
    return ret;
}

static int read_ignore(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    if (strcmp(d->args[0], "empty_service") != 0)
        return args_error(e, PLUGIN, d, "expected \"empty_service\" behind \"ignore\", found \"%.100s\"",
                          d->args[0]);
    k->ignore_empty_service = true;
    return ERR_OK;
}

static int read_fallthrough(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    zone_list_free(&k->fallthrough_zones);
    k->fallthrough = true;
    return args_zones(e, PLUGIN, d, 0, NULL, &k->fallthrough_zones);
}

static int read_startup_timeout(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    return args_duration(e, PLUGIN, d, d->args[0], 0, STARTUP_TIMEOUT_MAX_MS, &k->startup_timeout_ms);
}

/* What CoreDNS once had and now refuses, with what to do instead. */
static int refuse_upstream(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)k;
    return args_error(e, PLUGIN, d,
                      "the option \"upstream\" is gone: names outside the zone are always resolved by the "
                      "server itself; remove the line");
}

static int refuse_resyncperiod(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)k;
    return args_error(e, PLUGIN, d,
                      "the option \"resyncperiod\" is gone: objects are watched, not fetched from time to "
                      "time; remove the line");
}

static int refuse_transfer(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)k;
    return args_error(e, PLUGIN, d,
                      "the option \"transfer\" is gone: zone transfers are the business of the plugin "
                      "\"transfer\"");
}

static int refuse_not_yet(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)k;
    return args_not_yet(e, PLUGIN, d);
}

#define ANY SIZE_MAX
static const struct option {
    const char *name;
    size_t min, max; /* arguments */
    int (*read)(const struct directive *d, struct kubernetes_block *k, struct errtext *e);
} options[] = {
    {"endpoint", 1, ANY, read_endpoint},
    {"tls", 3, 3, read_tls},
    {"kubeconfig", 1, 2, read_kubeconfig},
    {"objects", 1, 1, read_objects},
    {"namespaces", 1, ANY, read_namespaces},
    {"pods", 1, 1, read_pods},
    {"endpoint_pod_names", 0, 0, read_endpoint_pod_names},
    {"ttl", 1, 1, read_ttl},
    {"noendpoints", 0, 0, read_noendpoints},
    {"ignore", 1, 1, read_ignore},
    {"fallthrough", 0, ANY, read_fallthrough},
    {"startup_timeout", 1, 1, read_startup_timeout},
    {"namespace_labels", 0, ANY, refuse_not_yet},
    {"labels", 0, ANY, refuse_not_yet},
    {"multicluster", 0, ANY, refuse_not_yet},
    {"zonal", 0, ANY, refuse_not_yet},
    {"apiserver_qps", 0, ANY, refuse_not_yet},
    {"apiserver_burst", 0, ANY, refuse_not_yet},
    {"apiserver_max_inflight", 0, ANY, refuse_not_yet},
    {"upstream", 0, ANY, refuse_upstream},
    {"resyncperiod", 0, ANY, refuse_resyncperiod},
    {"transfer", 0, ANY, refuse_transfer},
};

static int read_option(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(d->name, options[i].name) != 0)
            continue;
        int ret = args_count(e, PLUGIN, d, options[i].min, options[i].max);
        if (ret == ERR_OK)
            ret = options[i].read(d, k, e);
        if (ret == ERR_OK && d->has_body)
            ret = args_error(e, PLUGIN, d, "expected the end of the line behind \"%s\", found '{'", d->name);
        return ret;
    }
    return args_error(e, PLUGIN, d, "unknown property '%.100s'", d->name);
}

static bool ends_in(const char *zone, const char *parent)
{
    size_t zone_len = strlen(zone), parent_len = strlen(parent);
    if (zone_len < parent_len || strcmp(zone + zone_len - parent_len, parent) != 0)
        return false;
    return zone_len == parent_len || zone[zone_len - parent_len - 1] == '.';
}

static const char *first_forward_zone(const struct zone_list *zones)
{
    for (size_t i = 0; i < zones->count; i++)
        if (!ends_in(zones->zones[i], "in-addr.arpa.") && !ends_in(zones->zones[i], "ip6.arpa."))
            return zones->zones[i];
    return NULL;
}

/* One source of objects. CoreDNS takes kubeconfig over endpoint, and tls counts for endpoint only: that
 * loads, with a word of warning. */
static int check_source(const struct directive *d, const struct kubernetes_block *k, struct errtext *e)
{
    if (k->objects != NULL && (k->endpoint != NULL || k->kubeconfig != NULL || k->tls_cert != NULL))
        return args_error(e, PLUGIN, d,
                          "expected one source of objects, found \"objects\" together with \"%s\"",
                          k->endpoint != NULL     ? "endpoint"
                          : k->kubeconfig != NULL ? "kubeconfig"
                                                  : "tls");
    if (k->kubeconfig != NULL && k->endpoint != NULL)
        log_warning("plugin/kubernetes: endpoint has no effect beside kubeconfig (%s:%u)", d->file, d->line);
    if (k->tls_cert != NULL && (k->endpoint == NULL || k->kubeconfig != NULL))
        log_warning("plugin/kubernetes: tls has an effect with endpoint only (%s:%u)", d->file, d->line);
    return ERR_OK;
}

static int read_block(const struct server_block *b, const struct directive *d, struct kubernetes_block *k,
                      struct errtext *e)
{
    if (server_block_find(b, d->name) != NULL && server_block_find(b, d->name) != d)
        return args_error(e, PLUGIN, d, "this plugin can only be used once per Server Block");
    int ret = args_zones(e, PLUGIN, d, 0, b, &k->zones);
    if (ret != ERR_OK)
        return ret;
    k->primary = first_forward_zone(&k->zones);
    if (k->primary == NULL)
        return args_error(e, PLUGIN, d, "non-reverse zone name must be used");
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_option(&d->body[i], k, e);
    return ret == ERR_OK ? check_source(d, k, e) : ret;
}

int kubernetes_block_parse(const struct server_block *b, const struct directive *d,
                           struct kubernetes_block *out, struct errtext *e)
{
    struct kubernetes_block k = {
        .ttl = TTL_DEFAULT,
        .startup_timeout_ms = STARTUP_TIMEOUT_DEFAULT_MS,
        .directive = d,
    };
    int ret = read_block(b, d, &k, e);
    if (ret != ERR_OK) {
        kubernetes_block_free(&k);
        return ret;
    }
    *out = k;
    return ERR_OK;
}

void kubernetes_block_free(struct kubernetes_block *k)
{
    zone_list_free(&k->zones);
    zone_list_free(&k->namespaces);
    zone_list_free(&k->fallthrough_zones);
    free(k->endpoint);
    free(k->tls_cert);
    free(k->tls_key);
    free(k->tls_ca);
    free(k->kubeconfig);
    free(k->context);
    free(k->objects);
    *k = (struct kubernetes_block){0};
}
