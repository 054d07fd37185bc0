#include "serve/metadata.h"

#include <string.h>

#include "serve/config.h"

bool metadata_is_label(const char *text)
{
    const char *slash = strchr(text, '/');
    return slash != NULL && slash != text && slash[1] != '\0';
}

static bool collects(const struct block *b, const struct request *r)
{
    for (size_t i = 0; i < b->nmetadata_zones; i++)
        if (name_in(r->asked->lname, b->metadata_zones[i]))
            return true;
    return false;
}

int metadata_value(const struct request *r, const char *label, char *out, size_t cap)
{
    const struct block *b = r->route == NULL ? NULL : r->route->block;
    if (b == NULL || b->metadata_zones == NULL)
        return -1;
    bool collected = collects(b, r);
    int len = -1;
    for (unsigned i = 0; i < b->nstages && len < 0; i++) {
        const struct plugin *p = b->stages[i].plugin;
        if (p->metadata != NULL && (collected || p->metadata_anywhere))
            len = p->metadata(b->stages[i].state, r, label, out, cap);
    }
    return len;
}
