/*
 * reload: reads the Corefile again from time to time and takes it into service when it has changed.
 *
 *     reload [INTERVAL] [JITTER]
 *
 * INTERVAL is 30s without and at least 2s; each interval is longer or shorter by up to half of JITTER (15s
 * without, 0 or at least 1s, at most half of INTERVAL). What counts are the words of the Corefile and all
 * that it imports; comments and white space do not. A Corefile that does not load is logged and the old one
 * goes on. Example: `reload 10s 5s`.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "metrics/metrics.h"
#include "serve/control.h"
#include "serve/plugin.h"

#define INTERVAL_DEFAULT_MS 30000
#define INTERVAL_MIN_MS     2000
#define INTERVAL_MAX_MS     (366 * 86400000LL)
#define JITTER_DEFAULT_MS   15000
#define JITTER_MIN_MS       1000

struct reload {
    int64_t interval_ms;
    int64_t jitter_ms;
};

static const struct metric_desc failed_desc = {
    .name = "coredns_reload_failed_total",
    .help = "Counter of the number of failed reload attempts.",
    .type = METRIC_COUNTER,
};
static const struct metric_desc version_desc = {
    .name = "coredns_reload_version_info",
    .help = "A metric with a constant '1' value labeled by hash, and value which type of hash generated.",
    .type = METRIC_GAUGE,
};

/* One timer for the process: the plugin may stand in several blocks, and it outlives the configuration that
 * it replaces. Of several settings the last one started holds. Control thread. */
static struct {
    unsigned users;
    struct event *timer;
    struct reload settings;
    uint64_t tried; /* hash of the last Corefile that was found changed: one that fails is tried once */
    bool has_tried;
    struct errtext unreadable; /* why the last one could not be read at all: said and counted once */
    struct metric_gauge *version;
    uint64_t version_hash;
} watch;

static int reload_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                        struct errtext *e)
{
    (void)s;
    struct reload fresh = {.interval_ms = INTERVAL_DEFAULT_MS, .jitter_ms = JITTER_DEFAULT_MS};
    int ret = args_count(e, "reload", d, 0, 2);
    if (ret == ERR_OK && d->has_body)
        ret = args_error(e, "reload", d, "expected no block");
    if (ret == ERR_OK && d->nargs > 0)
        ret = args_duration(e, "reload", d, d->args[0], INTERVAL_MIN_MS, INTERVAL_MAX_MS, &fresh.interval_ms);
    if (ret == ERR_OK && d->nargs > 1)
        ret = args_duration(e, "reload", d, d->args[1], 0, INTERVAL_MAX_MS, &fresh.jitter_ms);
    if (ret == ERR_OK && fresh.jitter_ms != 0 && fresh.jitter_ms < JITTER_MIN_MS)
        ret = args_error(e, "reload", d, "jitter value must be 0 or greater or equal to 1s, found \"%s\"",
                         d->args[1]);
    if (ret != ERR_OK)
        return ret;
    if (fresh.jitter_ms > fresh.interval_ms / 2)
        fresh.jitter_ms = fresh.interval_ms / 2;
    struct reload *r = malloc(sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    *r = fresh;
    *state = r;
    return ERR_OK;
}

static void show_version(uint64_t hash)
{
    char value[17];
    if (watch.version != NULL && watch.version_hash == hash)
        return;
    snprintf(value, sizeof value, "%016" PRIx64, hash);
    const struct metric_label labels[] = {LABEL("hash", "fnv1a"), LABEL("value", value)};
    metrics_gauge_remove(watch.version);
    watch.version = metrics_gauge(&version_desc, labels, 2, NULL, NULL);
    watch.version_hash = hash;
    metrics_gauge_set(watch.version, 1);
    log_info("plugin/reload: Running configuration hash = %s", value);
}

static void schedule(void)
{
    int64_t ms = watch.settings.interval_ms;
    uint64_t random = 0;
    if (watch.settings.jitter_ms > 0 && getrandom(&random, sizeof random, GRND_NONBLOCK) == sizeof random)
        ms += (int64_t)(random % (uint64_t)watch.settings.jitter_ms) - watch.settings.jitter_ms / 2;
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(watch.timer, &tv);
}

static void count_failure(void)
{
    metrics_add(metrics_register(&failed_desc, NULL, 0), 0, 1);
}

/* The hash of the Corefile as it is on disk now. False where it cannot be read. */
static bool read_hash(uint64_t *out)
{
    struct corefile *corefile = NULL;
    struct errtext e = {0};
    int ret = corefile_load(control_corefile_path(), &corefile, &e);
    if (ret != ERR_OK) {
        if (e.text[0] == '\0')
            errtext_set(&e, ret, "%s: %s", control_corefile_path(), err_text(ret));
        if (strcmp(e.text, watch.unreadable.text) != 0) {
            log_warning("plugin/reload: Corefile parse failed: %s", e.text);
            count_failure();
        }
        watch.unreadable = e;
        return false;
    }
    watch.unreadable.text[0] = '\0';
    *out = corefile->hash;
    corefile_free(corefile);
    return true;
}

static void look(void)
{
    uint64_t hash;
    if (control_draining() || !read_hash(&hash))
        return;
    if (hash == control_corefile_hash()) {
        watch.has_tried = false;
        show_version(hash); /* a signal may have reloaded */
        return;
    }
    if (watch.has_tried && watch.tried == hash)
        return;
    watch.has_tried = true;
    watch.tried = hash;
    struct reload before = watch.settings;
    log_info("Reloading");
    struct errtext e = {0};
    int ret = control_reload(&e);
    if (ret != ERR_OK) {
        watch.settings = before;
        log_error("plugin/reload: Corefile changed but reload failed: %s", e.text);
        count_failure();
        return;
    }
    log_info("Reloading complete");
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what, (void)ctx;
    look();
    if (watch.users == 0)
        return; /* the new Corefile has no reload */
    show_version(control_corefile_hash());
    schedule();
}

static void let_go(void)
{
    if (watch.users > 0)
        return;
    event_free(watch.timer);
    metrics_gauge_remove(watch.version);
    watch.timer = NULL;
    watch.version = NULL;
}

/* Once the loop runs again: then the configuration being started is the one in force, or has failed. */
static void show_posted(void *ctx)
{
    (void)ctx;
    if (watch.users > 0)
        show_version(control_corefile_hash());
}

static int reload_start(void *state, struct errtext *e)
{
    const struct reload *r = state;
    if (control_corefile_path() == NULL)
        return ERR_OK; /* the built-in configuration: there is no file to watch */
    if (watch.timer == NULL)
        watch.timer = evtimer_new(control_base(), on_time, NULL);
    if (watch.timer == NULL)
        return errtext_set(e, -ENOMEM, "plugin/reload: no memory");
    metrics_register(&failed_desc, NULL, 0);
    watch.users++;
    watch.settings = *r;
    schedule();
    control_post(show_posted, NULL); /* without memory for it the timer shows it */
    return ERR_OK;
}

static void reload_stop(void *state)
{
    (void)state;
    if (watch.users == 0)
        return;
    watch.users--;
    let_go();
}

const struct plugin plugin_reload = {
    .name = "reload",
    .setup = reload_setup,
    .free = free,
    .start = reload_start,
    .stop = reload_stop,
};
