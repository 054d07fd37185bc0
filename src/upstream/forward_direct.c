#include "upstream/forward_direct.h"

#include <string.h>

#include "conf/args.h"

#define PLUGIN          "forward"
#define DURATION_MAX_MS (86400 * INT64_C(1000)) /* durations in a Corefile beyond a day are mistakes */

typedef int read_option(struct upstream_settings *s, const struct directive *o, struct errtext *e);

static int read_exchange(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    s->direct = strcmp(o->args[0], "direct") == 0;
    if (!s->direct && strcmp(o->args[0], "libunbound") != 0)
        return args_error(e, PLUGIN, o, "exchange: expected \"direct\" or \"libunbound\", found \"%.80s\"",
                          o->args[0]);
    return ERR_OK;
}

static int read_case_randomisation(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, o, 0, 0);
    if (ret == ERR_OK)
        s->case_randomisation = true;
    return ret;
}

static int read_max_idle_conns(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    uint64_t n = 0;
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = args_uint(e, PLUGIN, o, o->args[0], 0, UINT32_MAX, &n);
    s->max_idle_conns = (unsigned)n;
    return ret;
}

static int read_max_age(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int64_t ms = 0;
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = args_duration(e, PLUGIN, o, o->args[0], 0, DURATION_MAX_MS, &ms);
    s->max_age_ms = (uint32_t)ms;
    return ret;
}

static const struct {
    const char *name;
    read_option *read;
} options[] = {
    {"exchange", read_exchange},
    {"case_randomisation", read_case_randomisation},
    {"max_idle_conns", read_max_idle_conns},
    {"max_age", read_max_age},
};

int forward_direct_read(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i].name, o->name) == 0)
            return options[i].read(s, o, e);
    return ERR_NOT_FOUND;
}

int forward_direct_check(const struct upstream_settings *s, const struct directive *d, struct errtext *e)
{
    if (s->max_age_ms > 0 && s->max_age_ms < s->expire_ms)
        return args_error(e, PLUGIN, d, "max_age (%gs) must not be less than expire (%gs)",
                          s->max_age_ms / 1000.0, s->expire_ms / 1000.0);
    if (s->case_randomisation && !s->direct)
        return args_error(e, PLUGIN, d, "case_randomisation needs \"exchange direct\"");
    return ERR_OK;
}
