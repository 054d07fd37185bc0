/*
 * metadata: lets log, rewrite and template use what other plugins know about a request.
 *
 *     metadata [ZONES...]
 *
 * ZONES are those of the server block without. Example: `metadata` with `log . "{remote}
 * {/kubernetes/service}"`. The stage itself does nothing with a query: values are looked up when asked for
 * (serve/metadata.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/config.h"

static int read_zones(const struct zone_list *zones, struct block *b)
{
    b->metadata_zones = calloc(zones->count, sizeof *b->metadata_zones);
    if (b->metadata_zones == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < zones->count; i++) {
        uint8_t *name = b->metadata_zones[b->nmetadata_zones++];
        if (name_from_text(zones->zones[i], strlen(zones->zones[i]), name) < 0)
            return ERR_MALFORMED;
        name_lower(name, name);
    }
    return ERR_OK;
}

static int metadata_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                          struct errtext *e)
{
    struct zone_list zones = {0};
    int ret = d->has_body ? args_error(e, "metadata", d, "unknown property")
                          : args_zones(e, "metadata", d, 0, s->source, &zones);
    if (ret == ERR_OK)
        ret = read_zones(&zones, s->block);
    zone_list_free(&zones);
    *state = s->block->metadata_zones; /* NULL after a failure: nothing is freed then */
    if (ret == ERR_OK)
        return ERR_OK;
    free(s->block->metadata_zones);
    s->block->metadata_zones = NULL;
    s->block->nmetadata_zones = 0;
    return ret;
}

const struct plugin plugin_metadata = {.name = "metadata", .setup = metadata_setup, .free = free};
