/* Writing a cache out. Entries are copied a bucket at a time, in a read section; the disk never waits in one.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fsio.h"
#include "cache/cache_file.h"
#include "cache/cache_persist_p.h"
#include "dns/rr.h"

#define MODE       0600
#define BUFFER_MAX (4u << 20) /* one bucket: CACHE_CHAIN_MAX entries of 64 KiB and a little */
#define FLUSH_AT   (64u << 10)

struct dump {
    const struct cache_persist_settings *settings;
    struct bytes buffer;
    uint32_t count;
};

/* Failures are over before they could be of use; what a rewrite rule has sent an upstream is told apart by a
 * hash that the next process does not have. */
static bool is_worth_it(const struct dump *d, const struct cache_view *v)
{
    bool failure = v->rcode != RCODE_NOERROR && v->rcode != RCODE_NXDOMAIN;
    return !failure && v->options_hash == 0 && v->age_s < (uint64_t)v->ttl_s + d->settings->stale_s;
}

static void show(void *ctx, const struct cache_view *v)
{
    struct dump *d = ctx;
    if (!is_worth_it(d, v))
        return;
    const struct cache_saved saved = {.age_s = v->age_s,
                                      .ttl_s = v->ttl_s,
                                      .dnssec_ok = v->dnssec_ok,
                                      .checking_disabled = v->checking_disabled,
                                      .in_long = v->in_long,
                                      .uses = v->uses};
    const struct cache_file_answer answer = {.name = v->name,
                                             .name_len = v->name_len,
                                             .qtype = v->qtype,
                                             .qclass = v->qclass,
                                             .flags = v->flags,
                                             .rcode = v->rcode,
                                             .count = {v->count[0], v->count[1], v->count[2]},
                                             .body = v->body,
                                             .body_len = v->body_len};
    cache_file_put_entry(&d->buffer, &saved, &answer);
    d->count += d->buffer.error == ERR_OK;
}

static int flush(struct dump *d, FILE *f)
{
    if (d->buffer.error != ERR_OK)
        return d->buffer.error;
    errno = 0;
    if (d->buffer.len > 0 && fwrite(d->buffer.data, 1, d->buffer.len, f) != d->buffer.len)
        return errno != 0 ? -errno : -EIO;
    bytes_reset(&d->buffer);
    return ERR_OK;
}

static int write_entries(struct answer_cache *cache, struct dump *d, FILE *f, atomic_bool *cancel)
{
    uint64_t at = 0, now_ns = clock_ns();
    int ret = ERR_OK;
    bool more = true;
    cache_file_put_head(&d->buffer, d->settings->identity, clock_wall_ms());
    while (ret == ERR_OK && more) {
        if (atomic_load_explicit(cancel, memory_order_relaxed))
            return ERR_STALE;
        more = answer_cache_walk(cache, &at, now_ns, show, d);
        if (d->buffer.len > FLUSH_AT)
            ret = flush(d, f);
    }
    cache_file_put_end(&d->buffer, d->count);
    return ret == ERR_OK ? flush(d, f) : ret;
}

int cache_dump(struct answer_cache *cache, const struct cache_persist_settings *settings, atomic_bool *cancel,
               void (*done)(void *ctx), void *ctx)
{
    struct fsio_replace file;
    struct dump d = {.settings = settings};
    int ret = fsio_replace_begin(&file, settings->path, MODE);
    bytes_init(&d.buffer, BUFFER_MAX);
    if (ret == ERR_OK) {
        ret = write_entries(cache, &d, file.stream, cancel);
        done(ctx);
        if (ret == ERR_OK)
            ret = fsio_replace_commit(&file);
        else
            fsio_replace_abort(&file);
    } else {
        done(ctx);
    }
    bytes_free(&d.buffer);
    return ret;
}
