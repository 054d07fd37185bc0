#include "exchange/unbound_anchor.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "exchange/unbound_context.h"

#define PATH_CAP 4096

/* The root's key-signing keys of 2017 and 2024, as IANA publishes them (RFC 7958). */
static const char *const root_ds[] = {
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};
#define ROOT_DS (sizeof root_ds / sizeof root_ds[0])

static int write_keys(const char *path)
{
    struct fsio_replace r;
    int ret = fsio_replace_begin(&r, path, 0644);
    if (ret != ERR_OK)
        return ret;
    for (size_t i = 0; i < ROOT_DS; i++)
        fprintf(r.stream, "%s\n", root_ds[i]);
    return fsio_replace_commit(&r);
}

/* Whether libunbound takes the file. */
static bool readable(const char *path)
{
    struct unbound_settings *alone;
    char name[PATH_CAP];
    snprintf(name, sizeof name, "%s", path);
    if (unbound_settings_new(false, &alone) != ERR_OK)
        return true; /* not the file's fault */
    struct errtext why = {{0}};
    int ret = unbound_settings_option(alone, "auto-trust-anchor-file", (const char *[]){name}, 1, &why);
    alone->validate = true;
    if (ret == ERR_OK)
        ret = unbound_context_check(alone, &why);
    unbound_settings_unref(alone);
    return ret == ERR_OK || ret == -ENOMEM;
}

static void set_aside(const char *path)
{
    char aside[PATH_CAP + 16];
    snprintf(aside, sizeof aside, "%s.damaged", path);
    log_error("plugin/unbound: %.200s cannot be read as trust anchors: set aside, the built-in keys hold",
              path);
    rename(path, aside);
}

static int on_disk(const char *path)
{
    if (access(path, F_OK) == 0 && !readable(path))
        set_aside(path);
    if (access(path, F_OK) == 0)
        return unbound_settings_can_replace(path) ? ERR_OK : -EACCES;
    return write_keys(path);
}

int unbound_anchor_ready(struct unbound_settings *s, const char *folder, struct errtext *e)
{
    char path[PATH_CAP];
    if (!s->root_anchor)
        return ERR_OK;
    s->root_anchor = false;
    int n = snprintf(path, sizeof path, "%s/root.key", folder);
    int ret = n > 0 && (size_t)n < sizeof path ? on_disk(path) : -ENAMETOOLONG;
    if (ret == ERR_OK)
        return unbound_settings_option(s, "auto-trust-anchor-file", (const char *[]){path}, 1, e);
    log_warning("plugin/unbound: the root's trust anchor cannot be kept up to date in %.200s (%s): the "
                "built-in one holds",
                folder, err_text(ret));
    for (size_t i = 0; i < ROOT_DS; i++)
        bytes_printf(&s->server, "  trust-anchor: \"%s\"\n", root_ds[i]);
    return s->server.error;
}
