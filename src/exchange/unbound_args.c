#include "exchange/unbound_args.h"

#include "exchange/unbound_context.h"

static int placed(struct errtext *e, const char *plugin, const struct directive *d, int ret,
                  const struct errtext *why)
{
    return ret == ERR_CONFIG ? args_error(e, plugin, d, "%s", why->text) : ret;
}

int unbound_args_validate(struct unbound_settings *s, const char *plugin, const struct directive *o,
                          struct errtext *e)
{
    struct errtext why = {{0}};
    int ret = args_count(e, plugin, o, 0, 1);
    if (ret == ERR_OK)
        ret =
            placed(e, plugin, o, unbound_settings_validate(s, o->nargs == 0 ? NULL : o->args[0], &why), &why);
    if (ret == ERR_OK) /* that the file holds trust anchors */
        ret = placed(e, plugin, o, unbound_context_check(s, &why), &why);
    return ret;
}

int unbound_args_distrust(struct unbound_settings *s, const char *plugin, const struct directive *o,
                          struct errtext *e)
{
    struct zone_list list = {0};
    struct errtext why = {{0}};
    int ret = args_count(e, plugin, o, 1, SIZE_MAX);
    if (ret == ERR_OK)
        ret = args_zones(e, plugin, o, 0, NULL, &list);
    for (size_t i = 0; ret == ERR_OK && i < list.count; i++)
        ret = placed(e, plugin, o, unbound_settings_distrust(s, list.zones[i], &why), &why);
    zone_list_free(&list);
    return ret;
}

int unbound_args_complete(const struct unbound_settings *s, const char *plugin, const struct directive *d,
                          struct errtext *e)
{
    if (!s->validate && s->names_anchors)
        return args_error(e, plugin, d, "trust anchors mean nothing without validate");
    return ERR_OK;
}
