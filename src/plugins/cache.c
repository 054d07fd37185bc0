/*
 * cache: keeps answers.
 *
 *     cache [TTL] [ZONES...] {
 *         success CAPACITY [TTL] [MINTTL]
 *         denial CAPACITY [TTL] [MINTTL]
 *         size BYTES
 *         persist [FILE [INTERVAL]]
 *         prefetch AMOUNT [DURATION] [PERCENTAGE%]
 *         serve_stale [DURATION] [immediate [RESPONSE_TTL [RECHECK]]
 *                                | verify [TIMEOUT [RESPONSE_TTL [RECHECK]]]]
 *         serve_stale_policy prefer_positive
 *         servfail DURATION
 *         disable success|denial [ZONES...]
 *         keepttl
 *     }
 *
 * Answers for names in ZONES (the server block's where there are none) are kept for their smallest TTL, at
 * most TTL seconds (3600; 1800 for denials), at least MINTTL (5). docs/forwarding.md has the options, the
 * limits, and what differs from CoreDNS. Names of the block's kubernetes zones are not kept. Example: `cache
 * 30`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache_file_name.h"
#include "cache/cache_options.h"
#include "cache/cache_store.h"
#include "serve/express_plan.h"
#include "serve/plugin.h"

#define PLUGIN "cache"

static void cache_free(void *state)
{
    cache_stage_free(state);
}

/* A file is one block's; blocks whose text is the same have one cache. */
static int check_file(const struct plugin_setup *s, const struct directive *d, const char *file,
                      struct errtext *e)
{
    for (size_t i = 0; file != NULL && i < s->corefile->nblocks; i++) {
        const struct server_block *other = &s->corefile->blocks[i];
        char *its = cache_file_name(other);
        bool same = its != NULL && strcmp(its, file) == 0;
        free(its);
        if (same && cache_store_hash(other, 0) != cache_store_hash(s->source, 0))
            return args_error(e, PLUGIN, d,
                              "persist: %.200s is that of another server block too (%s:%u): name another",
                              file, other->file, other->line);
    }
    return ERR_OK;
}

static int cache_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                       struct errtext *e)
{
    struct cache_stage *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->config = s->config;
    c->block = s->block;
    cache_settings_default(&c->settings);
    int ret = cache_options_read(c, d, s->source, e);
    if (ret == ERR_OK)
        ret = check_file(s, d, c->settings.persist, e);
    if (ret != ERR_OK) {
        cache_free(c);
        return ret;
    }
    *state = c;
    return ERR_OK;
}

static int cache_start(void *state, struct errtext *e)
{
    return cache_stage_start(state, e);
}

static void cache_stop(void *state)
{
    cache_stage_stop(state);
}

static void cache_leave(void *state)
{
    cache_stage_leave(state);
}

static enum verdict cache_query(void *state, struct request *r)
{
    return cache_stage_query(state, r);
}

static void cache_answer(void *state, struct request *r)
{
    cache_stage_answer(state, r);
}

/* Names of zones that a stage below has pass on the way down; on the way up their TTLs get limits. Other
 * names may be kept. */
static bool cache_express(void *state, struct express_plan *p)
{
    const struct cache_settings *s = &((const struct cache_stage *)state)->settings;
    p->kept = cache_stage_kept;
    p->fetch_kept = cache_stage_fetch_kept;
    p->kept_state = state;
    const struct cache_limit *success = &s->limits[CACHE_SUCCESS], *denial = &s->limits[CACHE_DENIAL];
    p->ttl_zones = (const uint8_t(*)[NAME_MAX_LEN])s->zones;
    p->nttl_zones = s->nzones;
    p->found = (struct express_ttl){.least_s = success->min_ttl_s, .most_s = success->max_ttl_s};
    p->denied = (struct express_ttl){.least_s = denial->min_ttl_s, .most_s = denial->max_ttl_s};
    return true;
}

const struct plugin plugin_cache = {
    .name = PLUGIN,
    .setup = cache_setup,
    .free = cache_free,
    .start = cache_start,
    .stop = cache_stop,
    .leave = cache_leave,
    .query = cache_query,
    .answer = cache_answer,
    .express = cache_express,
};
