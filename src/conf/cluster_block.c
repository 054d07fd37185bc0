#include "conf/cluster_block.h"

#include <string.h>

int cluster_block_parse(const struct server_block *b, const struct directive *d, struct cluster_block *out,
                        struct errtext *e)
{
    return kubernetes_block_parse(b, d, &out->kubernetes, e);
}

void cluster_block_free(struct cluster_block *c)
{
    kubernetes_block_free(&c->kubernetes);
}

size_t cluster_block_zones(const struct cluster_block *c)
{
    return c->kubernetes.zones.count;
}

struct zone_view cluster_block_zone(const struct cluster_block *c, size_t index)
{
    return (struct zone_view){.zone = c->kubernetes.zones.zones[index], .view = VIEW_CLUSTER};
}

int cluster_block_identity(const struct cluster_block *c, const char *view, struct bytes *out)
{
    (void)view;
    return kubernetes_block_identity(&c->kubernetes, out);
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

int cluster_block_agree(const struct cluster_block *a, const struct cluster_block *b, struct errtext *e)
{
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < cluster_block_zones(b); i++) {
        struct zone_view z = cluster_block_zone(b, i);
        bool same = true;
        if (has_zone(a, &z))
            ret = same_records(a, b, z.view, &same);
        if (ret == ERR_OK && !same)
            ret = args_error(e, "kubernetes", b->kubernetes.directive,
                             "zone %s stands in another kubernetes block with other options (%s:%u)", z.zone,
                             a->kubernetes.directive->file, a->kubernetes.directive->line);
    }
    return ret;
}
