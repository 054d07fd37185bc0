#include "upstream/upstream_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "exchange/exchange.h"
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
    return s->path != NULL || s->host != NULL;
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

static bool look_at_file(struct upstream_source *s)
{
    struct bytes b;
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

/* ---- host names ---- */

int upstream_source_host(struct upstream_source *s, const char *host, uint16_t port,
                         const struct upstream_resolvers *resolvers)
{
    *s = (struct upstream_source){.host = strdup(host), .port = port, .resolvers = resolvers};
    return s->host == NULL ? -ENOMEM : ERR_OK;
}

static bool take_result(struct upstream_source *s)
{
    union address found[UPSTREAMS_MAX];
    const char *why;
    unsigned count = upstream_lookup_result(s->lookup, s->port, found, UPSTREAMS_MAX, &why);
    upstream_lookup_free(s->lookup);
    s->lookup = NULL;
    if (count == 0) {
        s->next_ms = clock_ms() + (s->count > 0 ? SOURCE_REFRESH_MS : SOURCE_RETRY_MS);
        if (!s->bad)
            log_error("plugin/forward: failed to resolve \"%s\": %s%s", s->host, why,
                      s->count > 0 ? "; the addresses known stay in use" : "");
        s->bad = true;
        return false;
    }
    s->next_ms = clock_ms() + SOURCE_REFRESH_MS;
    s->bad = false;
    bool same = count == s->count;
    for (unsigned i = 0; same && i < count; i++)
        same = address_equal(&found[i], &s->addresses[i]);
    memcpy(s->addresses, found, count * sizeof found[0]);
    s->count = count;
    return !same;
}

static bool look_at_host(struct upstream_source *s)
{
    if (s->lookup != NULL)
        return upstream_lookup_ended(s->lookup) && take_result(s);
    if (clock_ms() >= s->next_ms && upstream_lookup_start(s->host, s->resolvers, &s->lookup) != ERR_OK)
        s->next_ms = clock_ms() + SOURCE_RETRY_MS;
    return false;
}

void upstream_source_wait(struct upstream_source *s, unsigned ms)
{
    if (s->lookup != NULL && upstream_lookup_wait(s->lookup, ms))
        take_result(s);
}

/* ---- both ---- */

bool upstream_source_look(struct upstream_source *s)
{
    if (s->path != NULL)
        return look_at_file(s);
    return s->host != NULL && look_at_host(s);
}

void upstream_source_free(struct upstream_source *s)
{
    upstream_lookup_free(s->lookup);
    free(s->path);
    free(s->host);
    s->lookup = NULL;
    s->host = NULL;
    s->path = NULL;
    s->count = 0;
}
