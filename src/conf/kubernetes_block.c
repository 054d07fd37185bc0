#include "conf/kubernetes_block.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/kubernetes_option_p.h"

#define TTL_DEFAULT 5

#define STARTUP_TIMEOUT_DEFAULT_MS 5000

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
        return args_error(e, KUBERNETES, d,
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

bool kubernetes_block_is_multicluster(const struct kubernetes_block *k, const char *zone)
{
    for (size_t i = 0; i < k->multicluster.count; i++)
        if (strcmp(k->multicluster.zones[i], zone) == 0)
            return true;
    return false;
}

static int check_multicluster(const struct directive *d, const struct kubernetes_block *k, struct errtext *e)
{
    for (size_t i = 0; i < k->multicluster.count; i++) {
        size_t at = 0;
        while (at < k->zones.count && strcmp(k->zones.zones[at], k->multicluster.zones[i]) != 0)
            at++;
        if (at == k->zones.count)
            return args_error(e, KUBERNETES, d,
                              "is not authoritative for the multicluster zone %.100s (it is none of the "
                              "block's zones)",
                              k->multicluster.zones[i]);
    }
    return ERR_OK;
}

static int read_block(const struct server_block *b, const struct directive *d, struct kubernetes_block *k,
                      struct errtext *e)
{
    if (server_block_find(b, d->name) != NULL && server_block_find(b, d->name) != d)
        return args_error(e, KUBERNETES, d, "this plugin can only be used once per Server Block");
    int ret = args_zones(e, KUBERNETES, d, 0, b, &k->zones);
    if (ret != ERR_OK)
        return ret;
    k->primary = first_forward_zone(&k->zones);
    if (k->primary == NULL)
        return args_error(e, KUBERNETES, d, "non-reverse zone name must be used");
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = kubernetes_option_read(&d->body[i], k, e);
    if (ret == ERR_OK && k->namespaces.count > 0 && k->has_namespace_labels)
        ret = args_error(e, KUBERNETES, d, "namespaces and namespace_labels cannot both be set");
    if (ret == ERR_OK && k->zonal && k->noendpoints)
        ret = args_error(e, KUBERNETES, d, "zonal requires the endpoint cache; remove noendpoints");
    if (ret == ERR_OK)
        ret = check_multicluster(d, k, e);
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
    zone_list_free(&k->multicluster);
    label_selector_free(&k->namespace_labels);
    label_selector_free(&k->labels);
    free(k->endpoint);
    free(k->tls_cert);
    free(k->tls_key);
    free(k->tls_ca);
    free(k->kubeconfig);
    free(k->context);
    free(k->objects);
    *k = (struct kubernetes_block){0};
}
