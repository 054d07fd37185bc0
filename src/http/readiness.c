#include "http/readiness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct readiness {
    const char *plugin;
    bool (*ready)(void *ctx);
    void *ctx;
    bool was_ready;
    LIST_ENTRY(readiness) link; /* in order of plugin */
};

static LIST_HEAD(, readiness) all = LIST_HEAD_INITIALIZER(all);

struct readiness *readiness_register(const char *plugin, bool (*ready)(void *ctx), void *ctx)
{
    struct readiness *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->plugin = plugin;
    r->ready = ready;
    r->ctx = ctx;
    struct readiness *before = NULL, *each;
    LIST_FOREACH(each, &all, link)
    {
        if (strcmp(each->plugin, plugin) < 0)
            before = each;
    }
    if (before == NULL)
        LIST_INSERT_HEAD(&all, r, link);
    else
        LIST_INSERT_AFTER(before, r, link);
    return r;
}

void readiness_unregister(struct readiness *r)
{
    if (r == NULL)
        return;
    LIST_REMOVE(r, link);
    free(r);
}

bool readiness_check(bool continuously, struct bytes *names)
{
    const char *named = NULL;
    struct readiness *r;
    LIST_FOREACH(r, &all, link)
    {
        if (r->was_ready && !continuously)
            continue;
        if (r->ready(r->ctx)) {
            r->was_ready = true;
            continue;
        }
        if (named != NULL && strcmp(named, r->plugin) == 0)
            continue;
        if (named != NULL)
            bytes_append_str(names, ",");
        named = r->plugin;
        bytes_append_str(names, named);
    }
    return named == NULL;
}
