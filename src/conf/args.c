#include "conf/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/conf_error_p.h"
#include "conf/duration_p.h"

int args_error(struct errtext *e, const char *plugin, const struct directive *d, const char *format, ...)
{
    char prefix[80];
    snprintf(prefix, sizeof prefix, "plugin/%.60s: ", plugin);
    va_list ap;
    va_start(ap, format);
    conf_verror(e, d->file, d->line, prefix, format, ap);
    va_end(ap);
    return ERR_CONFIG;
}

int args_count(struct errtext *e, const char *plugin, const struct directive *d, size_t min, size_t max)
{
    if (d->nargs >= min && d->nargs <= max)
        return ERR_OK;
    char expected[64];
    if (max == 0)
        snprintf(expected, sizeof expected, "no arguments");
    else if (min == max)
        snprintf(expected, sizeof expected, "%zu argument%s", min, min == 1 ? "" : "s");
    else if (max == SIZE_MAX)
        snprintf(expected, sizeof expected, "at least %zu argument%s", min, min == 1 ? "" : "s");
    else
        snprintf(expected, sizeof expected, "%zu to %zu arguments", min, max);
    return args_error(e, plugin, d, "expected %s behind \"%." SHOWN "s\", found %zu", expected, d->name,
                      d->nargs);
}

int args_uint(struct errtext *e, const char *plugin, const struct directive *d, const char *word,
              uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    bool bad = *word == '\0';
    for (const char *p = word; !bad && *p != '\0'; p++)
        bad = *p < '0' || *p > '9' || __builtin_mul_overflow(value, 10, &value) ||
              __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
    if (!bad && value >= min && value <= max) {
        *out = value;
        return ERR_OK;
    }
    if (max == UINT64_MAX)
        return args_error(e, plugin, d,
                          "expected a number of at least %llu behind \"%." SHOWN "s\", found \"%." SHOWN
                          "s\"",
                          (unsigned long long)min, d->name, word);
    return args_error(e, plugin, d,
                      "expected a number from %llu to %llu behind \"%." SHOWN "s\", found \"%." SHOWN "s\"",
                      (unsigned long long)min, (unsigned long long)max, d->name, word);
}

/* A limit as a person would write it; ms where nothing larger fits. */
static const char *show_ms(int64_t ms, char out[32])
{
    if (ms != 0 && ms % 3600000 == 0)
        snprintf(out, 32, "%lldh", (long long)(ms / 3600000));
    else if (ms != 0 && ms % 60000 == 0)
        snprintf(out, 32, "%lldm", (long long)(ms / 60000));
    else if (ms % 1000 == 0)
        snprintf(out, 32, "%llds", (long long)(ms / 1000));
    else
        snprintf(out, 32, "%lldms", (long long)ms);
    return out;
}

int args_duration(struct errtext *e, const char *plugin, const struct directive *d, const char *word,
                  int64_t min_ms, int64_t max_ms, int64_t *out_ms)
{
    int64_t ms;
    if (duration_read(word, &ms) != ERR_OK)
        return args_error(e, plugin, d,
                          "expected a duration such as 5s or 1m30s behind \"%." SHOWN "s\", found \"%." SHOWN
                          "s\"",
                          d->name, word);
    char low[32], high[32];
    if (ms < min_ms && max_ms == INT64_MAX)
        return args_error(e, plugin, d,
                          "expected a duration of at least %s behind \"%." SHOWN "s\", found \"%." SHOWN
                          "s\"",
                          show_ms(min_ms, low), d->name, word);
    if (ms < min_ms || ms > max_ms)
        return args_error(e, plugin, d,
                          "expected a duration from %s to %s behind \"%." SHOWN "s\", found \"%." SHOWN "s\"",
                          show_ms(min_ms, low), show_ms(max_ms, high), d->name, word);
    *out_ms = ms;
    return ERR_OK;
}

/* The octets of one unit; 0 where there is no such unit. */
static uint64_t octets_of_unit(const char *unit)
{
    static const struct {
        const char *name;
        uint64_t octets;
    } units[] = {
        {"", 1},         {"b", 1},         {"ki", 1 << 10},    {"kib", 1 << 10},
        {"kb", 1000},    {"mi", 1 << 20},  {"mib", 1 << 20},   {"mb", 1000000},
        {"gi", 1 << 30}, {"gib", 1 << 30}, {"gb", 1000000000},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcasecmp(units[i].name, unit) == 0)
            return units[i].octets;
    return 0;
}

static const char *show_octets(uint64_t octets, char out[32])
{
    if (octets >= 1 << 30 && octets % (1 << 30) == 0)
        snprintf(out, 32, "%lluGiB", (unsigned long long)octets >> 30);
    else if (octets >= 1 << 20 && octets % (1 << 20) == 0)
        snprintf(out, 32, "%lluMiB", (unsigned long long)octets >> 20);
    else
        snprintf(out, 32, "%llu", (unsigned long long)octets);
    return out;
}

int args_octets(struct errtext *e, const char *plugin, const struct directive *d, const char *word,
                uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    size_t digits = strspn(word, "0123456789");
    uint64_t unit = octets_of_unit(word + digits);
    bool bad = digits == 0 || unit == 0;
    for (size_t i = 0; !bad && i < digits; i++)
        bad = __builtin_mul_overflow(value, 10, &value) ||
              __builtin_add_overflow(value, (uint64_t)(word[i] - '0'), &value);
    if (!bad && !__builtin_mul_overflow(value, unit, &value) && value >= min && value <= max) {
        *out = value;
        return ERR_OK;
    }
    char low[32], high[32];
    return args_error(e, plugin, d,
                      "expected a size from %s to %s such as 64MiB behind \"%." SHOWN "s\", found \"%." SHOWN
                      "s\"",
                      show_octets(min, low), show_octets(max, high), d->name, word);
}

int args_not_yet(struct errtext *e, const char *plugin, const struct directive *d)
{
    return args_error(e, plugin, d,
                      "the option \"%." SHOWN "s\" is not supported by this version of Seamark yet", d->name);
}

int args_zones(struct errtext *e, const char *plugin, const struct directive *d, size_t first,
               const struct server_block *b, struct zone_list *list)
{
    int ret = ERR_OK;
    const char *word = NULL;
    for (size_t i = first; ret == ERR_OK && i < d->nargs; i++)
        ret = zone_list_add(list, word = d->args[i]);
    if (word == NULL && b != NULL)
        for (size_t i = 0; ret == ERR_OK && i < b->nkeys; i++)
            ret = zone_list_add(list, word = b->keys[i].zone);
    if (ret == ERR_MALFORMED)
        return args_error(e, plugin, d,
                          "expected a zone such as example.org or 10.0.0.0/16, found \"%." SHOWN "s\"", word);
    if (ret == ERR_LIMIT)
        return args_error(e, plugin, d, "more zones than a list can hold, beginning with \"%." SHOWN "s\"",
                          word);
    return ret;
}
