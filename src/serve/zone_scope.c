#include "serve/zone_scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int zone_scope_init(struct zone_scope *scope, const struct zone_list *list)
{
    *scope = (struct zone_scope){.zones = calloc(list->count + 1, sizeof *scope->zones)};
    if (scope->zones == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < list->count; i++) {
        uint8_t *zone = scope->zones[scope->count];
        if (name_from_text(list->zones[i], strlen(list->zones[i]), zone) < 0)
            return ERR_MALFORMED;
        name_lower(zone, zone);
        scope->count++;
    }
    return ERR_OK;
}

int zone_scope_init_fallthrough(struct zone_scope *scope, bool given, const struct zone_list *list)
{
    int ret = zone_scope_init(scope, list);
    if (ret == ERR_OK && given && list->count == 0)
        scope->count = 1; /* the root: its name is one zero octet */
    return ret;
}

void zone_scope_free(struct zone_scope *scope)
{
    free(scope->zones);
    *scope = (struct zone_scope){0};
}

bool zone_scope_has(const struct zone_scope *scope, const uint8_t *lname)
{
    for (size_t i = 0; i < scope->count; i++)
        if (scope->zones[i][0] == 0 || name_in(lname, scope->zones[i])) /* the root has all, at a glance */
            return true;
    return false;
}
