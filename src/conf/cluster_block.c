#include "conf/cluster_block.h"

#include <string.h>

static int read_clients(const struct corefile *file, struct cluster_block *c, struct errtext *e)
{
    if (c->kubernetes.pods != PODS_VERIFIED)
        return ERR_OK;
    int ret = clients_need_read(file, &c->clients);
    if (ret == ERR_LIMIT)
        return errtext_set(e, ERR_CONFIG, "more than %d labels kubernetes/client-label/... in the Corefile",
                           CLIENT_LABELS_MAX);
    return ret;
}

int cluster_block_parse(const struct corefile *file, const struct server_block *b, const struct directive *d,
                        struct cluster_block *out, struct errtext *e)
{
    struct cluster_block c = {0};
    const struct directive *external = server_block_find(b, "k8s_external");
    int ret = kubernetes_block_parse(b, d, &c.kubernetes, e);
    if (ret == ERR_OK && external != NULL)
        ret = k8s_external_block_parse(b, external, &c.external, e);
    if (ret == ERR_OK)
        ret = read_clients(file, &c, e);
    if (ret != ERR_OK) {
        cluster_block_free(&c);
        return ret;
    }
    *out = c;
    return ERR_OK;
}

void cluster_block_free(struct cluster_block *c)
{
    kubernetes_block_free(&c->kubernetes);
    k8s_external_block_free(&c->external);
    clients_need_free(&c->clients);
}

size_t cluster_block_zones(const struct cluster_block *c)
{
    return c->kubernetes.zones.count + c->external.zones.count + (c->clients.namespaces ? 1 : 0);
}

struct zone_view cluster_block_zone(const struct cluster_block *c, size_t index)
{
    size_t own = c->kubernetes.zones.count;
    if (index < own)
        return (struct zone_view){.zone = c->kubernetes.zones.zones[index], .view = VIEW_CLUSTER};
    if (index - own < c->external.zones.count)
        return (struct zone_view){.zone = c->external.zones.zones[index - own], .view = VIEW_EXTERNAL};
    return (struct zone_view){.zone = c->kubernetes.primary, .view = VIEW_CLIENTS};
}

int cluster_block_identity(const struct cluster_block *c, const char *view, struct bytes *out)
{
    int ret = kubernetes_block_identity(&c->kubernetes, out);
    if (ret == ERR_OK && strcmp(view, VIEW_EXTERNAL) == 0)
        k8s_external_block_identity(&c->external, out);
    if (ret == ERR_OK && strcmp(view, VIEW_CLIENTS) == 0)
        clients_need_identity(&c->clients, out);
    return ret == ERR_OK ? out->error : ret;
}

/* Whether a zone of that view has the same records in both. */
static int same_records(const struct cluster_block *a, const struct cluster_block *b, const char *view,
                        bool *same)
{
    struct bytes x, y;
    bytes_init(&x, CLUSTER_IDENTITY_MAX);
    bytes_init(&y, CLUSTER_IDENTITY_MAX);
    int ret = cluster_block_identity(a, view, &x);
    if (ret == ERR_OK)
        ret = cluster_block_identity(b, view, &y);
    *same = ret == ERR_OK && strcmp(x.data, y.data) == 0;
    bytes_free(&x);
    bytes_free(&y);
    return ret;
}

static bool has_zone(const struct cluster_block *c, const struct zone_view *z)
{
    for (size_t i = 0; i < cluster_block_zones(c); i++) {
        struct zone_view own = cluster_block_zone(c, i);
        if (strcmp(own.zone, z->zone) == 0 && strcmp(own.view, z->view) == 0)
            return true;
    }
    return false;
}

static const struct directive *directive_of(const struct cluster_block *c, const char *view)
{
    return strcmp(view, VIEW_EXTERNAL) == 0 ? c->external.directive : c->kubernetes.directive;
}

int cluster_block_agree(const struct cluster_block *a, const struct cluster_block *b, struct errtext *e)
{
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < cluster_block_zones(b); i++) {
        struct zone_view z = cluster_block_zone(b, i);
        bool same = true;
        if (has_zone(a, &z))
            ret = same_records(a, b, z.view, &same);
        if (ret == ERR_OK && !same) {
            const struct directive *theirs = directive_of(a, z.view), *ours = directive_of(b, z.view);
            ret = args_error(e, ours->name, ours,
                             "zone %s stands in another %s block with other options (%s:%u)", z.zone,
                             theirs->name, theirs->file, theirs->line);
        }
    }
    return ret;
}
