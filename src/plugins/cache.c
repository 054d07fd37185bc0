/*
 * cache: keeps answers.
 *
 *     cache [TTL] [ZONES...] {
 *         success CAPACITY [TTL] [MINTTL]
 *         denial CAPACITY [TTL] [MINTTL]
 *         prefetch AMOUNT [DURATION] [PERCENTAGE%]
 *         serve_stale [DURATION] [immediate [RESPONSE_TTL [RECHECK]] | verify [0 [RESPONSE_TTL [RECHECK]]]]
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
#include <strings.h>

#include "base/bytes.h"
#include "cache/cache_stage.h"
#include "conf/args.h"
#include "serve/express_plan.h"
#include "serve/plugin.h"

#define PLUGIN "cache"

#define TTL_MAX       2147483647 /* RFC 2181 section 8 */
#define DURATION_MAX  (INT64_C(365) * 86400 * 1000)
#define LABEL_MAX     65536
#define CAPACITY_UNIT 256 /* CoreDNS has 256 shards of equal size, of 4 entries at least */

struct reading {
    struct cache_stage *c;
    struct errtext *e;
};

typedef int read_option(struct reading *r, const struct directive *o);

static int read_zones(struct reading *r, const struct directive *d, size_t first,
                      const struct server_block *b, uint8_t (**out)[NAME_MAX_LEN], size_t *count,
                      char **label)
{
    struct zone_list list = {0};
    struct bytes text;
    bytes_init(&text, LABEL_MAX);
    int ret = args_zones(r->e, PLUGIN, d, first, b, &list);
    uint8_t(*zones)[NAME_MAX_LEN] = ret == ERR_OK ? calloc(list.count + 1, sizeof *zones) : NULL;
    if (ret == ERR_OK && zones == NULL)
        ret = -ENOMEM;
    for (size_t i = 0; ret == ERR_OK && i < list.count; i++) {
        if (name_from_text(list.zones[i], strlen(list.zones[i]), zones[i]) < 0)
            ret = args_error(r->e, PLUGIN, d, "expected a zone, found \"%.80s\"", list.zones[i]);
        bytes_printf(&text, "%s%s", i > 0 ? "," : "", list.zones[i]);
    }
    if (ret == ERR_OK && label != NULL && (*label = strdup(text.len > 0 ? text.data : "")) == NULL)
        ret = -ENOMEM;
    if (ret == ERR_OK) {
        free(*out);
        *out = zones;
        *count = list.count;
    } else {
        free(zones);
    }
    bytes_free(&text);
    zone_list_free(&list);
    return ret;
}

static int read_limit(struct reading *r, const struct directive *o, struct cache_limit *limit)
{
    uint64_t n[3] = {0, limit->max_ttl_s, limit->min_ttl_s};
    int ret = args_count(r->e, PLUGIN, o, 1, 3);
    if (ret == ERR_OK)
        ret = args_uint(r->e, PLUGIN, o, o->args[0], 0, CACHE_CAPACITY_MAX, &n[0]);
    if (ret == ERR_OK && o->nargs > 1)
        ret = args_uint(r->e, PLUGIN, o, o->args[1], 1, TTL_MAX, &n[1]);
    if (ret == ERR_OK && o->nargs > 2)
        ret = args_uint(r->e, PLUGIN, o, o->args[2], 0, TTL_MAX, &n[2]);
    if (ret != ERR_OK)
        return ret;
    uint32_t shard = (uint32_t)n[0] / CAPACITY_UNIT;
    limit->capacity = (shard < 4 ? 4 : shard) * CAPACITY_UNIT;
    limit->max_ttl_s = (uint32_t)n[1];
    limit->min_ttl_s = (uint32_t)n[2];
    return ERR_OK;
}

static int read_success(struct reading *r, const struct directive *o)
{
    return read_limit(r, o, &r->c->settings.limits[CACHE_SUCCESS]);
}

static int read_denial(struct reading *r, const struct directive *o)
{
    return read_limit(r, o, &r->c->settings.limits[CACHE_DENIAL]);
}

static int read_percent(struct reading *r, const struct directive *o, const char *word, unsigned *out)
{
    char digits[8];
    size_t len = strlen(word);
    uint64_t n;
    if (len < 2 || len > sizeof digits || word[len - 1] != '%')
        return args_error(r->e, PLUGIN, o, "last character of percentage should be `%%`, but is: \"%.80s\"",
                          word);
    memcpy(digits, word, len - 1);
    digits[len - 1] = '\0';
    int ret = args_uint(r->e, PLUGIN, o, digits, 10, 90, &n);
    if (ret == ERR_OK)
        *out = (unsigned)n;
    return ret;
}

static int read_prefetch(struct reading *r, const struct directive *o)
{
    struct cache_prefetch p = r->c->settings.prefetch;
    uint64_t amount = 0;
    int64_t window = p.window_ms;
    int ret = args_count(r->e, PLUGIN, o, 1, 3);
    if (ret == ERR_OK)
        ret = args_uint(r->e, PLUGIN, o, o->args[0], 0, UINT32_MAX, &amount);
    if (ret == ERR_OK && o->nargs > 1)
        ret = args_duration(r->e, PLUGIN, o, o->args[1], 0, UINT32_MAX, &window);
    if (ret == ERR_OK && o->nargs > 2)
        ret = read_percent(r, o, o->args[2], &p.percent);
    if (ret != ERR_OK)
        return ret;
    p.amount = (unsigned)amount;
    p.window_ms = (uint32_t)window;
    r->c->settings.prefetch = p;
    return ERR_OK;
}

/* [RESPONSE_TTL [RECHECK]] from word `at` on. */
static int read_stale_tail(struct reading *r, const struct directive *o, size_t at)
{
    struct cache_settings *s = &r->c->settings;
    int64_t ttl = 0, recheck = 0;
    int ret = args_count(r->e, PLUGIN, o, 0, at + 2);
    if (ret == ERR_OK && o->nargs > at)
        ret = args_duration(r->e, PLUGIN, o, o->args[at], 0, TTL_MAX * INT64_C(1000), &ttl);
    if (ret == ERR_OK && ttl % 1000 != 0)
        ret = args_error(r->e, PLUGIN, o, "serve_stale response TTL must be a whole number of seconds");
    if (ret == ERR_OK && o->nargs > at + 1)
        ret = args_duration(r->e, PLUGIN, o, o->args[at + 1], 0, 300 * 1000, &recheck);
    s->stale_ttl_s = (uint32_t)(ttl / 1000);
    s->stale_recheck_ms = (uint32_t)recheck;
    return ret;
}

static int read_serve_stale(struct reading *r, const struct directive *o)
{
    struct cache_settings *s = &r->c->settings;
    int64_t duration = 3600 * 1000, timeout = 0;
    int ret = ERR_OK;
    if (o->nargs > 0)
        ret = args_duration(r->e, PLUGIN, o, o->args[0], 0, DURATION_MAX, &duration);
    if (ret != ERR_OK)
        return ret;
    s->stale_s = (uint32_t)(duration / 1000);
    s->stale = duration > 0 ? STALE_IMMEDIATE : STALE_OFF;
    if (o->nargs < 2 || strcasecmp(o->args[1], "immediate") == 0)
        return read_stale_tail(r, o, 2);
    if (strcasecmp(o->args[1], "verify") != 0)
        return args_error(r->e, PLUGIN, o, "invalid value for serve_stale refresh mode: %.80s", o->args[1]);
    if (s->stale != STALE_OFF)
        s->stale = STALE_VERIFY;
    if (o->nargs > 2)
        ret = args_duration(r->e, PLUGIN, o, o->args[2], 0, DURATION_MAX, &timeout);
    if (ret == ERR_OK && timeout > 0)
        ret =
            args_error(r->e, PLUGIN, o, "a verify timeout other than 0 is not supported by this version yet");
    return ret == ERR_OK ? read_stale_tail(r, o, 3) : ret;
}

static int read_servfail(struct reading *r, const struct directive *o)
{
    int64_t ms;
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK) /* RFC 2308 section 7.1: not longer than five minutes */
        ret = args_duration(r->e, PLUGIN, o, o->args[0], 0, 300 * 1000, &ms);
    if (ret == ERR_OK)
        r->c->settings.servfail_ttl_s = (uint32_t)(ms / 1000);
    return ret;
}

static int read_disable(struct reading *r, const struct directive *o)
{
    static const char *const kinds[] = {"success", "denial"}; /* enum cache_kind */
    int ret = args_count(r->e, PLUGIN, o, 1, SIZE_MAX);
    if (ret != ERR_OK)
        return ret;
    for (unsigned k = 0; k < 2; k++) {
        if (strcmp(kinds[k], o->args[0]) != 0)
            continue;
        static const char *const everything[] = {"success", ".", NULL};
        struct directive all = *o;
        if (o->nargs == 1) {
            all.args = everything;
            all.nargs = 2;
        }
        struct cache_limit *limit = &r->c->settings.limits[k];
        return read_zones(r, &all, 1, NULL, &limit->disabled, &limit->ndisabled, NULL);
    }
    return args_error(r->e, PLUGIN, o, "cache type for disable must be \"success\" or \"denial\"");
}

static int read_keepttl(struct reading *r, const struct directive *o)
{
    int ret = args_count(r->e, PLUGIN, o, 0, 0);
    r->c->settings.keep_ttl = true;
    return ret;
}

static int read_not_yet(struct reading *r, const struct directive *o)
{
    return args_not_yet(r->e, PLUGIN, o);
}

static const struct {
    const char *name;
    read_option *read;
} options[] = {
    {"success", read_success},         {"denial", read_denial},
    {"prefetch", read_prefetch},       {"servfail", read_servfail},
    {"disable", read_disable},         {"keepttl", read_keepttl},
    {"serve_stale", read_serve_stale}, {"serve_stale_policy", read_not_yet},
};

static int read_options(struct reading *r, const struct directive *d)
{
    for (size_t i = 0; i < d->nbody; i++) {
        const struct directive *o = &d->body[i];
        int ret = ERR_NOT_FOUND;
        for (size_t k = 0; k < sizeof options / sizeof options[0]; k++)
            if (strcmp(options[k].name, o->name) == 0)
                ret = options[k].read(r, o);
        if (ret == ERR_NOT_FOUND)
            ret = args_error(r->e, PLUGIN, o, "unknown property '%.80s'", o->name);
        if (ret != ERR_OK)
            return ret;
    }
    return ERR_OK;
}

/* The first word is a TTL where it is a number (one below 0 too, to be refused), else a zone. */
static bool is_number(const char *word)
{
    word += *word == '-';
    return *word != '\0' && word[strspn(word, "0123456789")] == '\0';
}

static int read_directive(struct reading *r, const struct directive *d, const struct server_block *block)
{
    struct cache_settings *s = &r->c->settings;
    uint64_t ttl = 0;
    int ret = ERR_OK;
    bool has_ttl = d->nargs > 0 && is_number(d->args[0]);
    if (has_ttl)
        ret = args_uint(r->e, PLUGIN, d, d->args[0], 1, TTL_MAX, &ttl);
    if (ret == ERR_OK && has_ttl)
        s->limits[CACHE_SUCCESS].max_ttl_s = s->limits[CACHE_DENIAL].max_ttl_s = (uint32_t)ttl;
    if (ret == ERR_OK)
        ret = read_zones(r, d, has_ttl ? 1 : 0, block, &s->zones, &s->nzones, &r->c->zones_label);
    return ret == ERR_OK ? read_options(r, d) : ret;
}

/* ---- the plugin ---- */

static void cache_free(void *state)
{
    cache_stage_free(state);
}

static int cache_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                       struct errtext *e)
{
    struct cache_stage *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    struct reading r = {.c = c, .e = e};
    c->config = s->config;
    c->block = s->block;
    cache_settings_default(&c->settings);
    int ret = read_directive(&r, d, s->source);
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

static enum verdict cache_query(void *state, struct request *r)
{
    return cache_stage_query(state, r);
}

static void cache_answer(void *state, struct request *r)
{
    cache_stage_answer(state, r);
}

/* Names of zones that a stage below has pass on the way down; on the way up their TTLs get limits. */
static bool cache_express(void *state, struct express_plan *p)
{
    const struct cache_settings *s = &((const struct cache_stage *)state)->settings;
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
    .query = cache_query,
    .answer = cache_answer,
    .express = cache_express,
};
