/* The options of a `kubernetes` block, one by one. */
#include "conf/kubernetes_option_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define TTL_MAX 3600 /* CoreDNS's limit */

/* Of apiserver_qps, _burst and _max_inflight: what is more is no limit. */
#define APISERVER_MAX 1000000000

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
        return args_error(e, KUBERNETES, d,
                          "expected a URL with http:// or https:// behind \"endpoint\", found \"%.100s\"",
                          url);
    if (*url == '\0' || (scheme_end != NULL && scheme_end[3] == '\0'))
        return args_error(e, KUBERNETES, d, "expected a URL behind \"endpoint\", found \"%.100s\"", url);
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
        return args_error(e, KUBERNETES, d,
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
    return ret == ERR_LIMIT ? args_error(e, KUBERNETES, d, "too many namespaces") : ret;
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
            e, KUBERNETES, d,
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
    int ret = args_uint(e, KUBERNETES, d, d->args[0], 0, TTL_MAX, &ttl);
    if (ret == ERR_OK)
        k->ttl = (uint32_t)ttl;
    return ret;
}

static int read_ignore(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    if (strcmp(d->args[0], "empty_service") != 0)
        return args_error(e, KUBERNETES, d, "expected \"empty_service\" behind \"ignore\", found \"%.100s\"",
                          d->args[0]);
    k->ignore_empty_service = true;
    return ERR_OK;
}

static int read_fallthrough(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    zone_list_free(&k->fallthrough_zones);
    k->fallthrough = true;
    return args_zones(e, KUBERNETES, d, 0, NULL, &k->fallthrough_zones);
}

/* The words of the line are one selector: `labels environment in (staging, qa),app=web`. */
static int read_selector(const struct directive *d, const char *what, struct label_selector *slot,
                         struct errtext *e)
{
    struct bytes text;
    struct errtext why = {{0}};
    struct label_selector selector;
    bytes_init(&text, LABEL_SELECTOR_MAX + 2); /* one octet too many is for label_selector_parse() to tell */
    for (size_t i = 0; i < d->nargs; i++)
        bytes_printf(&text, "%s%s", i == 0 ? "" : " ", d->args[i]);
    int ret = text.error;
    if (ret == ERR_OK)
        ret = label_selector_parse(text.data, &selector, &why);
    if (ret == ERR_MALFORMED)
        ret =
            args_error(e, KUBERNETES, d, "unable to parse %s value: '%.100s': %s", what, text.data, why.text);
    else if (ret == ERR_LIMIT)
        ret = args_error(e, KUBERNETES, d, "the selector behind \"%s\" is longer than %zu octets", d->name,
                         LABEL_SELECTOR_MAX);
    bytes_free(&text);
    if (ret != ERR_OK)
        return ret;
    label_selector_free(slot); /* of an option given twice the last one holds */
    *slot = selector;
    return ERR_OK;
}

static int read_labels(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    return read_selector(d, "label selector", &k->labels, e);
}

static int read_namespace_labels(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    k->has_namespace_labels = true;
    return read_selector(d, "namespace_label selector", &k->namespace_labels, e);
}

static int read_zonal(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)d, (void)e;
    k->zonal = true;
    return ERR_OK;
}

static int read_multicluster(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    zone_list_free(&k->multicluster);
    if (d->nargs == 0)
        log_warning("plugin/kubernetes: multicluster has no effect without zones (%s:%u)", d->file, d->line);
    return args_zones(e, KUBERNETES, d, 0, NULL, &k->multicluster);
}

static int read_startup_timeout(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    return args_duration(e, KUBERNETES, d, d->args[0], 0, STARTUP_TIMEOUT_MAX_MS, &k->startup_timeout_ms);
}

/* A decimal number as Go's ParseFloat reads one, without the words (inf, nan) and the hexadecimal ones. */
static int read_qps(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    const char *word = d->args[0];
    char *end;
    double qps = strtod(word, &end);
    if (*word == '\0' || *end != '\0' || strspn(word, "0123456789.eE+-") != strlen(word))
        return args_error(e, KUBERNETES, d, "invalid apiserver_qps \"%.100s\": expected a number", word);
    if (qps < 0)
        return args_error(e, KUBERNETES, d, "apiserver_qps must be >= 0");
    if (qps > APISERVER_MAX)
        return args_error(e, KUBERNETES, d, "invalid apiserver_qps \"%.100s\": expected at most %d", word,
                          APISERVER_MAX);
    k->apiserver_qps = qps;
    return ERR_OK;
}

static int read_limit(const struct directive *d, unsigned *out, struct errtext *e)
{
    uint64_t limit;
    const char *word = d->args[0];
    if (word[0] == '-' && word[1] != '\0' && strspn(word + 1, "0123456789") == strlen(word + 1))
        return args_error(e, KUBERNETES, d, "%s must be >= 0", d->name);
    if (args_uint(NULL, KUBERNETES, d, word, 0, APISERVER_MAX, &limit) != ERR_OK)
        return args_error(e, KUBERNETES, d, "invalid %s \"%.100s\": expected a whole number from 0 to %d",
                          d->name, word, APISERVER_MAX);
    *out = (unsigned)limit;
    return ERR_OK;
}

static int read_burst(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    return read_limit(d, &k->apiserver_burst, e);
}

static int read_max_inflight(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    return read_limit(d, &k->apiserver_max_inflight, e);
}

/* What CoreDNS once had and now refuses, with what to do instead. */
static int refuse_upstream(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)k;
    return args_error(e, KUBERNETES, d,
                      "the option \"upstream\" is gone: names outside the zone are always resolved by the "
                      "server itself; remove the line");
}

static int refuse_resyncperiod(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)k;
    return args_error(e, KUBERNETES, d,
                      "the option \"resyncperiod\" is gone: objects are watched, not fetched from time to "
                      "time; remove the line");
}

static int refuse_transfer(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    (void)k;
    return args_error(e, KUBERNETES, d,
                      "the option \"transfer\" is gone: zone transfers are the business of the plugin "
                      "\"transfer\"");
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
    {"namespace_labels", 1, ANY, read_namespace_labels},
    {"labels", 1, ANY, read_labels},
    {"multicluster", 0, ANY, read_multicluster},
    {"zonal", 0, 0, read_zonal},
    {"apiserver_qps", 1, 1, read_qps},
    {"apiserver_burst", 1, 1, read_burst},
    {"apiserver_max_inflight", 1, 1, read_max_inflight},
    {"upstream", 0, ANY, refuse_upstream},
    {"resyncperiod", 0, ANY, refuse_resyncperiod},
    {"transfer", 0, ANY, refuse_transfer},
};

int kubernetes_option_read(const struct directive *d, struct kubernetes_block *k, struct errtext *e)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(d->name, options[i].name) != 0)
            continue;
        int ret = args_count(e, KUBERNETES, d, options[i].min, options[i].max);
        if (ret == ERR_OK)
            ret = options[i].read(d, k, e);
        if (ret == ERR_OK && d->has_body)
            ret = args_error(e, KUBERNETES, d, "expected the end of the line behind \"%s\", found '{'",
                             d->name);
        return ret;
    }
    return args_error(e, KUBERNETES, d, "unknown property '%.100s'", d->name);
}
