#include "cache/cache_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "cache/cache_file_name.h"

#define PLUGIN "cache"

#define TTL_MAX          INT64_C(2147483647) /* RFC 2181 section 8 */
#define DURATION_MAX     (INT64_C(365) * 86400 * 1000)
#define FIVE_MINUTES     (INT64_C(300) * 1000) /* RFC 2308 section 7.1, RFC 8767 section 5 */
#define PERSIST_INTERVAL (INT64_C(60) * 1000)
#define LABEL_MAX        65536
#define CAPACITY_UNIT    256 /* CoreDNS has 256 shards of equal size, of 4 entries at least */

struct reading {
    struct cache_stage *c;
    struct errtext *e;
    const struct server_block *block;
    bool has_stale;
    const struct directive *policy; /* serve_stale_policy, which needs serve_stale wherever that stands */
};

typedef int read_option(struct reading *r, const struct directive *o);

/* ---- words ---- */

/* A decimal number, below 0 too: what is wrong with it the caller says in CoreDNS's words. */
static int read_number(struct reading *r, const struct directive *d, const char *word, int64_t *out)
{
    char *end;
    errno = 0;
    long long n = strtoll(word, &end, 10);
    if (*word == '\0' || *end != '\0' || strspn(word, "+-0123456789") != strlen(word) || errno != 0)
        return args_error(r->e, PLUGIN, d, "expected a number behind \"%.80s\", found \"%.80s\"", d->name,
                          word);
    *out = n;
    return ERR_OK;
}

static int read_ttl(struct reading *r, const struct directive *d, const char *word, uint32_t *out)
{
    int64_t n = 0;
    int ret = read_number(r, d, word, &n);
    if (ret == ERR_OK && n <= 0)
        ret = args_error(r->e, PLUGIN, d, "cache TTL can not be zero or negative: %lld", (long long)n);
    if (ret == ERR_OK && n > TTL_MAX)
        ret = args_error(r->e, PLUGIN, d, "cache TTL exceeds the DNS TTL range: %lld", (long long)n);
    if (ret == ERR_OK)
        *out = (uint32_t)n;
    return ret;
}

static int read_min_ttl(struct reading *r, const struct directive *d, const char *word, uint32_t *out)
{
    int64_t n = 0;
    int ret = read_number(r, d, word, &n);
    if (ret == ERR_OK && n < 0)
        ret = args_error(r->e, PLUGIN, d, "cache min TTL can not be negative: %lld", (long long)n);
    if (ret == ERR_OK && n > TTL_MAX)
        ret = args_error(r->e, PLUGIN, d, "cache min TTL exceeds the DNS TTL range: %lld", (long long)n);
    if (ret == ERR_OK)
        *out = (uint32_t)n;
    return ret;
}

/* A duration of `most_ms` at the most; `negative` and `long_one` are CoreDNS's words for those that are not.
 */
static int read_duration(struct reading *r, const struct directive *o, const char *word, int64_t most_ms,
                         const char *negative, const char *long_one, int64_t *out)
{
    int64_t ms = 0;
    int ret = args_duration(r->e, PLUGIN, o, word, INT64_MIN, INT64_MAX, &ms);
    if (ret == ERR_OK && ms < 0)
        ret = args_error(r->e, PLUGIN, o, "%s", negative);
    if (ret == ERR_OK && ms > most_ms)
        ret = args_error(r->e, PLUGIN, o, "%s", long_one);
    if (ret == ERR_OK)
        *out = ms;
    return ret;
}

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

/* ---- how much, how long ---- */

static int read_limit(struct reading *r, const struct directive *o, struct cache_limit *limit)
{
    int64_t capacity = 0;
    int ret = args_count(r->e, PLUGIN, o, 1, 3);
    if (ret == ERR_OK)
        ret = read_number(r, o, o->args[0], &capacity);
    if (ret == ERR_OK && capacity > CACHE_CAPACITY_MAX)
        ret = args_error(r->e, PLUGIN, o, "a capacity is %d entries at most: %lld", CACHE_CAPACITY_MAX,
                         (long long)capacity);
    if (ret == ERR_OK && o->nargs > 1)
        ret = read_ttl(r, o, o->args[1], &limit->max_ttl_s);
    if (ret == ERR_OK && o->nargs > 2)
        ret = read_min_ttl(r, o, o->args[2], &limit->min_ttl_s);
    if (ret != ERR_OK)
        return ret;
    uint32_t shard = capacity < 0 ? 0 : (uint32_t)capacity / CAPACITY_UNIT;
    limit->capacity = (shard < 4 ? 4 : shard) * CAPACITY_UNIT;
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

static int read_size(struct reading *r, const struct directive *o)
{
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    return ret == ERR_OK ? args_octets(r->e, PLUGIN, o, o->args[0], CACHE_BYTES_MIN, CACHE_BYTES_MAX,
                                       &r->c->settings.bytes)
                         : ret;
}

/* persist [FILE [INTERVAL]] */
static int read_persist(struct reading *r, const struct directive *o)
{
    int64_t interval = PERSIST_INTERVAL;
    int ret = args_count(r->e, PLUGIN, o, 0, 2);
    if (ret == ERR_OK && o->nargs > 0 && o->args[0][0] == '\0')
        ret = args_error(r->e, PLUGIN, o, "expected a file behind \"persist\"");
    if (ret == ERR_OK && o->nargs > 1)
        ret = args_duration(r->e, PLUGIN, o, o->args[1], 1000, INT64_C(86400) * 1000, &interval);
    if (ret != ERR_OK)
        return ret;
    free(r->c->settings.persist);
    r->c->settings.persist = cache_file_name(r->block);
    r->c->settings.persist_interval_ms = (uint32_t)interval;
    return r->c->settings.persist == NULL ? -ENOMEM : ERR_OK;
}

static int read_percent(struct reading *r, const struct directive *o, const char *word, unsigned *out)
{
    char digits[24] = "";
    size_t len = strlen(word);
    int64_t n = 0;
    if (len < 2 || len > sizeof digits || word[len - 1] != '%')
        return args_error(r->e, PLUGIN, o, "last character of percentage should be `%%`, but is: \"%.80s\"",
                          word);
    memcpy(digits, word, len - 1);
    int ret = read_number(r, o, digits, &n);
    if (ret == ERR_OK && (n < 10 || n > 90))
        ret = args_error(r->e, PLUGIN, o, "percentage should fall in range [10, 90]: %lld", (long long)n);
    if (ret == ERR_OK)
        *out = (unsigned)n;
    return ret;
}

static int read_prefetch(struct reading *r, const struct directive *o)
{
    struct cache_prefetch *p = &r->c->settings.prefetch;
    int64_t amount = 0, window = p->window_ms;
    int ret = args_count(r->e, PLUGIN, o, 1, 3);
    if (ret == ERR_OK)
        ret = read_number(r, o, o->args[0], &amount);
    if (ret == ERR_OK && amount < 0)
        ret = args_error(r->e, PLUGIN, o, "prefetch amount should be positive: %lld", (long long)amount);
    if (ret == ERR_OK && o->nargs > 1)
        ret = args_duration(r->e, PLUGIN, o, o->args[1], 0, UINT32_MAX, &window);
    if (ret == ERR_OK && o->nargs > 2)
        ret = read_percent(r, o, o->args[2], &p->percent);
    p->amount = amount > UINT32_MAX ? UINT32_MAX : (unsigned)amount;
    p->window_ms = (uint32_t)window;
    return ret;
}

static int read_servfail(struct reading *r, const struct directive *o)
{
    int64_t ms = 0;
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = read_duration(r, o, o->args[0], FIVE_MINUTES, "invalid negative ttl for servfail",
                            "caching SERVFAIL responses over 5 minutes is not permitted", &ms);
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

/* ---- stale answers ---- */

/* [RESPONSE_TTL [RECHECK]] from word `at` on. */
static int read_stale_tail(struct reading *r, const struct directive *o, size_t at)
{
    struct cache_settings *s = &r->c->settings;
    int64_t ttl = 0, recheck = 0;
    int ret = args_count(r->e, PLUGIN, o, 0, at + 2);
    if (ret == ERR_OK && o->nargs > at)
        ret = read_duration(r, o, o->args[at], UINT32_MAX * INT64_C(1000),
                            "invalid negative response TTL for serve_stale",
                            "serve_stale response TTL exceeds the DNS TTL range", &ttl);
    if (ret == ERR_OK && ttl % 1000 != 0)
        ret = args_error(r->e, PLUGIN, o, "serve_stale response TTL must be a whole number of seconds");
    if (ret == ERR_OK && o->nargs > at + 1)
        ret = read_duration(r, o, o->args[at + 1], FIVE_MINUTES,
                            "invalid negative failure recheck for serve_stale",
                            "serve_stale failure recheck cannot exceed 5 minutes", &recheck);
    s->stale_ttl_s = (uint32_t)(ttl / 1000);
    s->stale_recheck_ms = (uint32_t)recheck;
    return ret;
}

/* The mode, which CoreDNS takes in any case of letters. */
static int read_stale_mode(struct reading *r, const struct directive *o)
{
    struct cache_settings *s = &r->c->settings;
    int64_t timeout = 0;
    if (o->nargs < 2 || strcasecmp(o->args[1], "immediate") == 0)
        return read_stale_tail(r, o, 2);
    if (strcasecmp(o->args[1], "verify") != 0)
        return args_error(r->e, PLUGIN, o, "invalid value for serve_stale refresh mode: %.80s", o->args[1]);
    if (s->stale != STALE_OFF)
        s->stale = STALE_VERIFY;
    int ret = o->nargs < 3 ? ERR_OK
                           : read_duration(r, o, o->args[2], DURATION_MAX,
                                           "invalid negative timeout for serve_stale verify",
                                           "serve_stale verify timeout cannot exceed 365 days", &timeout);
    s->stale_verify_ms = timeout;
    return ret == ERR_OK ? read_stale_tail(r, o, 3) : ret;
}

static int read_serve_stale(struct reading *r, const struct directive *o)
{
    struct cache_settings *s = &r->c->settings;
    int64_t duration = 3600 * 1000;
    int ret = args_count(r->e, PLUGIN, o, 0, 5);
    if (ret == ERR_OK && o->nargs > 0)
        ret = read_duration(r, o, o->args[0], DURATION_MAX, "invalid negative duration for serve_stale",
                            "serve_stale duration cannot exceed 365 days", &duration);
    if (ret != ERR_OK)
        return ret;
    r->has_stale = true;
    s->stale_s = (uint32_t)(duration / 1000);
    s->stale = s->stale_s > 0 ? STALE_IMMEDIATE : STALE_OFF;
    s->stale_verify_ms = 0;
    return read_stale_mode(r, o);
}

static int read_stale_policy(struct reading *r, const struct directive *o)
{
    if (r->policy != NULL)
        return args_error(r->e, PLUGIN, o, "serve_stale_policy can only be specified once");
    r->policy = o;
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK && strcasecmp(o->args[0], "prefer_positive") != 0)
        ret = args_error(r->e, PLUGIN, o, "invalid serve_stale_policy: %.80s", o->args[0]);
    r->c->settings.prefer_positive = true;
    return ret;
}

/* ---- the directive ---- */

static const struct {
    const char *name;
    read_option *read;
} options[] = {
    {"size", read_size},
    {"persist", read_persist},
    {"success", read_success},
    {"denial", read_denial},
    {"prefetch", read_prefetch},
    {"servfail", read_servfail},
    {"disable", read_disable},
    {"keepttl", read_keepttl},
    {"serve_stale", read_serve_stale},
    {"serve_stale_policy", read_stale_policy},
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
    if (r->policy != NULL && !r->has_stale)
        return args_error(r->e, PLUGIN, r->policy, "serve_stale_policy requires serve_stale");
    return ERR_OK;
}

/* The first word is a TTL where it is a number (one below 0 too, to be refused), else a zone. */
static bool is_number(const char *word)
{
    word += *word == '-';
    return *word != '\0' && word[strspn(word, "0123456789")] == '\0';
}

int cache_options_read(struct cache_stage *c, const struct directive *d, const struct server_block *block,
                       struct errtext *e)
{
    struct reading r = {.c = c, .e = e, .block = block};
    struct cache_settings *s = &c->settings;
    int ret = ERR_OK;
    bool has_ttl = d->nargs > 0 && is_number(d->args[0]);
    if (has_ttl)
        ret = read_ttl(&r, d, d->args[0], &s->limits[CACHE_SUCCESS].max_ttl_s);
    if (ret == ERR_OK && has_ttl)
        s->limits[CACHE_DENIAL].max_ttl_s = s->limits[CACHE_SUCCESS].max_ttl_s;
    if (ret == ERR_OK)
        ret = read_zones(&r, d, has_ttl ? 1 : 0, block, &s->zones, &s->nzones, &c->zones_label);
    return ret == ERR_OK ? read_options(&r, d) : ret;
}
