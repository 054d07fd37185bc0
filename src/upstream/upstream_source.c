#include "upstream/upstream_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fsio.h"
#include "base/log.h"
#include "upstream/resolv_conf.h"

void upstream_source_address(struct upstream_source *s, const union address *address)
{
    *s = (struct upstream_source){.count = 1};
    s->addresses[0] = *address;
}

/* FNV-1a; never 0. Whoever writes the file may choose its servers outright, so nothing hangs on it. */
static uint64_t hash_of(const struct bytes *b)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < b->len; i++)
        hash = (hash ^ (uint8_t)b->data[i]) * 0x100000001b3u;
    return hash != 0 ? hash : 1;
}

static unsigned parse(const struct upstream_source *s, const struct bytes *b, union address *out)
{
    return b->len == 0 ? 0 : (unsigned)resolv_conf_parse(s->path, b->data, b->len, out, UPSTREAMS_MAX);
}

int upstream_source_file(struct upstream_source *s, const char *path)
{
    struct bytes b;
    *s = (struct upstream_source){.path = strdup(path)};
    if (s->path == NULL)
        return -ENOMEM;
    bytes_init(&b, RESOLV_CONF_MAX);
    int ret = fsio_read(path, &b);
    if (ret == ERR_OK) {
        s->taken = hash_of(&b);
        s->count = parse(s, &b, s->addresses);
    } else {
        upstream_source_free(s);
    }
    bytes_free(&b);
    return ret;
}

bool upstream_source_changes(const struct upstream_source *s)
{
    return s->path != NULL;
}

static void complain(struct upstream_source *s, const char *why)
{
    if (!s->bad)
        log_warning("plugin/forward: %s: its name servers stay as they were (%s)", s->path, why);
    s->bad = true;
}

/* The content has been the same in two looks. True: so others are to be asked. */
static bool take(struct upstream_source *s, const struct bytes *b)
{
    union address found[UPSTREAMS_MAX];
    unsigned count = parse(s, b, found);
    s->taken = s->pending;
    s->pending = 0;
    if (count == 0) {
        complain(s, "the file names none");
        return false;
    }
    s->bad = false;
    memcpy(s->addresses, found, count * sizeof found[0]);
    s->count = count;
    return true;
}

bool upstream_source_look(struct upstream_source *s)
{
    struct bytes b;
    if (s->path == NULL)
        return false;
    bytes_init(&b, RESOLV_CONF_MAX);
    int ret = fsio_read(s->path, &b);
    bool changed = false;
    if (ret != ERR_OK) {
        s->pending = 0;
        complain(s, err_text(ret));
    } else {
        uint64_t hash = hash_of(&b);
        if (hash == s->taken)
            s->pending = 0;
        else if (hash != s->pending)
            s->pending = hash;
        else
            changed = take(s, &b);
    }
    bytes_free(&b);
    return changed;
}

void upstream_source_free(struct upstream_source *s)
{
    free(s->path);
    s->path = NULL;
    s->count = 0;
}
