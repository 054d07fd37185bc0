#include "serve/server.h"

#include <errno.h>
#include <event2/thread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "serve/control.h"
#include "serve/control_p.h"
#include "serve/cpu_quota.h"
#include "serve/endpoint.h"
#include "serve/io_tcp.h"
#include "serve/io_udp.h"
#include "serve/kubernetes_stage.h"
#include "serve/sockets.h"
#include "serve/supervisor.h"
#include "serve/worker_p.h"
#include "serve/workers.h"
#include "serve/zone_watch.h"

/* How long questions under way may take after listening has stopped: CoreDNS's time. */
#define DRAIN_MS 5000

/* How often the log says that the first zones are waited for: as CoreDNS. */
#define STARTUP_SAY_MS 500

static struct {
    const struct server_options *options;
    struct config *config;
} server;

/* What CoreDNS serves where there is nothing to load, at the port that -dns.port says. */
static int default_corefile(struct corefile **out, struct errtext *e)
{
    static const char text[] = ". {\n    whoami\n    log\n}\n";
    return corefile_parse("(default)", text, sizeof text - 1, out, e);
}

int server_load(const struct server_options *o, struct config **out, struct errtext *e)
{
    struct corefile *corefile = NULL;
    int ret = o->conf != NULL ? corefile_load(o->conf, &corefile, e) : default_corefile(&corefile, e);
    if (ret == ERR_OK && corefile->nblocks == 0) {
        corefile_free(corefile);
        ret = default_corefile(&corefile, e);
    }
    if (ret != ERR_OK)
        return errtext_set(e, ret, "%s: %s", o->conf, err_text(ret));
    return config_build(corefile, &o->config, out, e);
}

uint64_t control_corefile_hash(void)
{
    return server.config == NULL ? 0 : server.config->corefile->hash;
}

const char *control_corefile_path(void)
{
    return server.options->conf;
}

const char *control_zones_folder(void)
{
    return server.options->config.zones_folder;
}

/* ---- a configuration comes into force ---- */

struct preparation {
    struct config *config;
    pthread_mutex_t lock;
    struct errtext error;
};

static int prepare(struct worker *w, void *ctx)
{
    struct preparation *p = ctx;
    struct errtext e = {0};
    int ret = worker_prepare(w, p->config, &e);
    if (ret != ERR_OK) {
        pthread_mutex_lock(&p->lock);
        errtext_set(&p->error, ret, "%s", e.text[0] != '\0' ? e.text : err_text(ret));
        pthread_mutex_unlock(&p->lock);
    }
    return ret;
}

static int abandon(struct worker *w, void *ctx)
{
    worker_abandon(w, ctx);
    return ERR_OK;
}

static int adopt(struct worker *w, void *ctx)
{
    struct preparation *p = ctx;
    endpoints_answer_received(w, p->config); /* by the configuration that it came to */
    worker_adopt(w, p->config);
    struct errtext e = {0};
    int ret = endpoints_follow(w, p->config, &e);
    if (ret != ERR_OK)
        log_error("worker %u: %s", worker_index(w), e.text);
    return ERR_OK;
}

static bool waits(const struct config *c, uint64_t waited_ms)
{
    for (size_t i = 0; i < c->nblocks; i++)
        if (c->blocks[i].kubernetes != NULL && kubernetes_stage_waits(c->blocks[i].kubernetes, waited_ms))
            return true;
    return false;
}

/* The option `startup_timeout`: where there is no zone file yet, the first questions wait for it in the
 * sockets, which are open, and are not told of failures that would be over in a moment. */
static void wait_for_zones(const struct config *c)
{
    uint64_t start = clock_ms(), now = start, say_ms = start + STARTUP_SAY_MS;
    while (!control_leaving() && server.config == c && waits(c, now - start)) {
        control_wait(10);
        now = clock_ms();
        if (now < say_ms)
            continue;
        say_ms += STARTUP_SAY_MS;
        log_info("plugin/kubernetes: waiting for Kubernetes API before starting server");
    }
    if (!control_leaving() && server.config == c && waits(c, 0))
        log_warning("plugin/kubernetes: starting server with unsynced Kubernetes API");
}

static bool wants_sync(const struct config *c)
{
    for (size_t i = 0; i < c->nblocks; i++)
        if (c->blocks[i].kubernetes != NULL)
            return true;
    return false;
}

static bool supervises(void)
{
    return !server.options->external_sync && server.options->conf != NULL;
}

/* Everything that can fail comes before the step that cannot. */
static int put_in_force(struct config *fresh, struct errtext *e)
{
    struct preparation p = {.config = fresh, .lock = PTHREAD_MUTEX_INITIALIZER};
    int ret = config_start(fresh, e);
    if (ret != ERR_OK)
        return ret;
    ret = sockets_open(fresh, e);
    if (ret == ERR_OK && server.config == NULL) {
        server.config = fresh;
        if (supervises()) /* not before what is on disk is loaded: that is what the first questions wait for
                           */
            supervisor_want(wants_sync(fresh));
        wait_for_zones(fresh);
        if (server.config != fresh)
            return ERR_OK; /* a reload meanwhile has put another in its place */
        server.config = NULL;
    }
    if (ret == ERR_OK) {
        ret = workers_call(prepare, &p);
        if (ret != ERR_OK) {
            errtext_set(e, ret, "%s", p.error.text);
            workers_call(abandon, fresh);
            sockets_keep(server.config);
        }
    }
    if (ret != ERR_OK) {
        config_stop(fresh);
        return ret;
    }
    workers_call(adopt, &p);
    struct config *old = server.config;
    server.config = fresh;
    sockets_keep(fresh);
    if (old != NULL) {
        config_stop(old);
        config_unref(old);
    }
    return ERR_OK;
}

int control_reload(struct errtext *e)
{
    struct config *fresh = NULL;
    if (control_leaving())
        return errtext_set(e, ERR_UNSUPPORTED, "the server is being stopped");
    int64_t lameduck = control_lameduck();
    control_set_lameduck(-1);
    int ret = server_load(server.options, &fresh, e);
    if (ret == ERR_OK) {
        ret = put_in_force(fresh, e);
        if (ret != ERR_OK)
            config_unref(fresh);
    }
    if (ret != ERR_OK) {
        control_set_lameduck(-1); /* the failed one may have asked for more */
        control_set_lameduck(lameduck);
        return ret;
    }
    if (supervises()) {
        supervisor_want(wants_sync(server.config));
        supervisor_reload();
    }
    return ERR_OK;
}

/* ---- the end ---- */

static int quiesce(struct worker *w, void *ctx)
{
    struct endpoint *ep;
    (void)ctx;
    endpoints_answer_received(w, NULL);
    LIST_FOREACH(ep, &w->endpoints, link)
    {
        event_del(ep->udp);
        event_del(ep->tcp_rest);
        evconnlistener_disable(ep->tcp);
    }
    tcp_end_idle(w);
    return ERR_OK;
}

/* Questions under way, and connections with answers that have not been sent yet. */
static int count_under_way(struct worker *w, void *ctx)
{
    unsigned *under_way = ctx, n = tcp_unsent(w);
    const struct tenancy *t;
    LIST_FOREACH(t, &w->tenancies, link)
    n += t->waiting;
    __atomic_fetch_add(under_way, n, __ATOMIC_RELAXED);
    return ERR_OK;
}

static int count_waiting(struct worker *w, void *ctx)
{
    unsigned *waiting = ctx;
    const struct tenancy *t;
    LIST_FOREACH(t, &w->tenancies, link)
    __atomic_fetch_add(waiting, t->waiting, __ATOMIC_RELAXED);
    return ERR_OK;
}

static int let_go(struct worker *w, void *ctx)
{
    (void)ctx;
    tcp_close_all(w);
    endpoints_follow(w, NULL, NULL);
    worker_retire_present(w);
    return ERR_OK;
}

/* Stops listening and waits for what is under way. Returns how many questions still wait: whatever they wait
 * in cannot be taken down then. */
static unsigned stop_serving(void)
{
    unsigned under_way = 1, waiting = 0;
    workers_call(quiesce, NULL);
    for (unsigned waited = 0; waited < DRAIN_MS && under_way > 0 && !control_ending_at_once(); waited += 10) {
        under_way = 0;
        workers_call(count_under_way, &under_way);
        if (under_way > 0)
            control_wait(10);
    }
    workers_call(count_waiting, &waiting);
    if (waiting == 0) {
        workers_call(let_go, NULL);
        sockets_keep(NULL);
    }
    return waiting;
}

static int start(const struct server_options *o, struct config **config, struct errtext *e)
{
    int ret = control_start(e);
    if (ret == ERR_OK)
        ret = server_load(o, config, e);
    if (ret == ERR_OK)
        ret = zone_watch_start(control_base(), o->config.zones_folder, e);
    if (ret == ERR_OK && supervises())
        ret = supervisor_start(control_base(), o->conf, o->config.zones_folder);
    if (ret == ERR_OK)
        ret = workers_start(o->workers != 0 ? o->workers : cpu_quota(), e);
    if (ret == ERR_OK)
        ret = put_in_force(*config, e);
    if (ret == ERR_OK)
        *config = server.config;
    return ret;
}

static void tear_down(struct config *config)
{
    supervisor_stop();
    config_unref(config);
    workers_stop();
    zone_watch_stop();
    rcu_drain();
    rcu_reader_unregister();
    control_free();
}

/* Who may make Services chooses names; nobody shall choose names that collide in our tables. */
static void seed_hashes(void)
{
    uint64_t seeds[2];
    if (getrandom(seeds, sizeof seeds, 0) == sizeof seeds)
        name_hash_seed(seeds[0], seeds[1]);
}

int server_run(const struct server_options *o)
{
    struct errtext e = {0};
    seed_hashes();
    struct config *config = NULL;
    server.options = o;
    evthread_use_pthreads();
    rcu_reader_register(); /* the control thread looks at zones too */
    int ret = start(o, &config, &e);
    if (ret != ERR_OK) {
        fprintf(stderr, "%s\n", e.text[0] != '\0' ? e.text : err_text(ret));
        tear_down(config);
        return 1;
    }
    if (!o->quiet)
        control_banner(config);
    int status = control_loop();
    unsigned waiting = stop_serving();
    if (!control_ending_at_once())
        config_leave(server.config);
    if (waiting > 0)
        log_warning("shutdown: %u question%s still waiting for an answer", waiting,
                    waiting == 1 ? " is" : "s are");
    if (waiting > 0 || control_ending_at_once())
        _exit(status); /* the system takes everything back; seamark-sync is told by the kernel */
    config_stop(server.config);
    tear_down(server.config);
    return status;
}
