#include "sync/sync_run.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/cluster_block.h"
#include "dns/name.h"
#include "sync/sync_block.h"
#include "sync/sync_lock.h"
#include "sync/synced.h"
#include "zone/folder.h"

#define SIGNALS 4

/* A zone of a view, and the block that writes it. */
struct claim {
    uint8_t apex[NAME_MAX_LEN];
    const char *view;
    size_t block;
};

struct part {
    struct sync_run *run;
    size_t index;
    struct cluster_block conf;
    struct sync_block *block;
};

struct sync_run {
    const struct sync_options *options;
    char **argv;
    const char *folder;
    int lock;
    struct corefile *corefile;
    struct part *parts;
    size_t nparts;
    struct claim *claims;
    size_t nclaims;
    size_t live;
    struct event_base *base;
    struct event *signals[SIGNALS];
    struct event *sign_of_life;
    bool again;  /* start anew after the loop */
    bool failed; /* memory ran out: end, and be started again */
};

/* ---- configuration ---- */

static int load_corefile(const struct sync_options *o, struct corefile **out, struct errtext *e)
{
    struct bytes text;
    if (o->conf != NULL)
        return corefile_load(o->conf, out, e);
    bytes_init(&text, 1 << 20);
    int ret = sync_options_corefile(o, &text);
    if (ret == ERR_OK)
        ret = corefile_parse("command line", text.data, text.len, out, e);
    bytes_free(&text);
    return ret;
}

static void free_parts(struct part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sync_block_free(parts[i].block);
        cluster_block_free(&parts[i].conf);
    }
    free(parts);
}

/* The path of -from into the block that the command line stands for. */
static int set_objects(const struct sync_options *o, struct kubernetes_block *k)
{
    char *path = o->from == NULL ? NULL : strdup(o->from);
    if (o->from != NULL && path == NULL)
        return -ENOMEM;
    if (path != NULL) {
        free(k->objects);
        k->objects = path;
    }
    return ERR_OK;
}

/* Every kubernetes block of the file. */
static int load_parts(const struct sync_options *o, const struct corefile *c, struct part **out,
                      size_t *count, struct errtext *e)
{
    struct part *parts = calloc(c->nblocks + 1, sizeof *parts);
    size_t n = 0;
    int ret = parts == NULL ? -ENOMEM : ERR_OK;
    for (size_t i = 0; i < c->nblocks && ret == ERR_OK; i++) {
        const struct directive *d = server_block_find(&c->blocks[i], "kubernetes");
        if (d == NULL)
            continue;
        ret = cluster_block_parse(c, &c->blocks[i], d, &parts[n].conf, e);
        if (ret == ERR_OK)
            ret = set_objects(o, &parts[n++].conf.kubernetes);
    }
    if (ret == ERR_OK && n == 0)
        ret = errtext_set(e, ERR_NOT_FOUND, "no server block has a kubernetes block");
    if (ret != ERR_OK) {
        free_parts(parts, n);
        return ret;
    }
    *out = parts;
    *count = n;
    return ERR_OK;
}

/* The first block that has the zone writes it; others may have it too, with the same options. */
static int claim_zone(struct sync_run *r, size_t block, const struct zone_view *zone, struct errtext *e)
{
    struct claim claim = {.block = block, .view = zone->view};
    if (name_from_text(zone->zone, strlen(zone->zone), claim.apex) < 0)
        return errtext_set(e, ERR_CONFIG, "zone %s is no name", zone->zone);
    for (size_t i = 0; i < r->nclaims; i++)
        if (name_equal(r->claims[i].apex, claim.apex) && strcmp(r->claims[i].view, claim.view) == 0)
            return ERR_OK;
    r->claims[r->nclaims++] = claim;
    return ERR_OK;
}

static int claim_zones(struct sync_run *r, struct errtext *e)
{
    size_t total = 0;
    for (size_t i = 0; i < r->nparts; i++)
        total += cluster_block_zones(&r->parts[i].conf);
    r->claims = calloc(total + 1, sizeof *r->claims);
    int ret = r->claims == NULL ? -ENOMEM : ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < r->nparts; i++) {
        for (size_t k = 0; ret == ERR_OK && k < i; k++)
            ret = cluster_block_agree(&r->parts[k].conf, &r->parts[i].conf, e);
        for (size_t k = 0; ret == ERR_OK && k < cluster_block_zones(&r->parts[i].conf); k++) {
            struct zone_view zone = cluster_block_zone(&r->parts[i].conf, k);
            ret = claim_zone(r, i, &zone, e);
        }
    }
    return ret;
}

static bool is_ours(void *ctx, const uint8_t *apex, const char *view)
{
    const struct part *part = ctx;
    const struct sync_run *r = part->run;
    for (size_t i = 0; i < r->nclaims; i++)
        if (name_equal(r->claims[i].apex, apex) && strcmp(r->claims[i].view, view) == 0)
            return r->claims[i].block == part->index;
    return false;
}

/* ---- the loop ---- */

static void on_sign_of_life(evutil_socket_t fd, short what, void *ctx)
{
    struct sync_run *r = ctx;
    (void)fd, (void)what;
    for (size_t i = 0; i < r->nparts; i++)
        if (!sync_block_in_step(r->parts[i].block))
            return;
    synced_touch(r->folder);
}

static void on_live(void *ctx)
{
    struct part *part = ctx;
    struct sync_run *r = part->run;
    if (++r->live < r->nparts)
        return;
    on_sign_of_life(-1, 0, r);
    if (r->options->once)
        event_base_loopexit(r->base, NULL);
}

static void on_failed(void *ctx)
{
    struct part *part = ctx;
    part->run->failed = true;
    event_base_loopbreak(part->run->base);
}

/* True where the configuration loads and says something else than what is running. */
static bool has_changed(const struct sync_run *r)
{
    struct corefile *c = NULL;
    struct part *parts;
    size_t n;
    struct errtext e = {0};
    int ret = load_corefile(r->options, &c, &e);
    if (ret == ERR_OK && (ret = load_parts(r->options, c, &parts, &n, &e)) == ERR_OK)
        free_parts(parts, n);
    bool changed = ret == ERR_OK && c->hash != r->corefile->hash;
    corefile_free(c);
    if (ret != ERR_OK)
        log_error("sync: the configuration is not taken over, the old one stays: %s",
                  e.text[0] != '\0' ? e.text : err_text(ret));
    else if (!changed)
        log_info("sync: the configuration has not changed");
    return changed;
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    struct sync_run *r = ctx;
    (void)what;
    if (number == SIGHUP || number == SIGUSR1) {
        if (!has_changed(r))
            return;
        r->again = true;
    }
    event_base_loopbreak(r->base);
}

/* Between two lives, from execv() to the new handlers, a signal to reload would end the process: it waits. */
static void hold_reloads(int how)
{
    sigset_t reloads;
    sigemptyset(&reloads);
    sigaddset(&reloads, SIGHUP);
    sigaddset(&reloads, SIGUSR1);
    sigprocmask(how, &reloads, NULL);
}

static int start_sign_of_life(struct sync_run *r)
{
    static const struct timeval each = {.tv_sec = SYNCED_SECONDS};
    r->sign_of_life = event_new(r->base, -1, EV_PERSIST, on_sign_of_life, r);
    return r->sign_of_life == NULL || event_add(r->sign_of_life, &each) < 0 ? -ENOMEM : ERR_OK;
}

static int start(struct sync_run *r, struct errtext *e)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    r->base = event_base_new();
    if (r->base == NULL)
        return -ENOMEM;
    for (int i = 0; i < SIGNALS; i++) {
        r->signals[i] = evsignal_new(r->base, numbers[i], on_signal, r);
        if (r->signals[i] == NULL || event_add(r->signals[i], NULL) < 0)
            return -ENOMEM;
    }
    hold_reloads(SIG_UNBLOCK);
    for (size_t i = 0; i < r->nparts; i++) {
        struct part *part = &r->parts[i];
        part->run = r;
        part->index = i;
        struct sync_block_options options = {.block = &part->conf,
                                             .folder = r->folder,
                                             .follow = !r->options->once,
                                             .is_ours = is_ours,
                                             .ctx = part,
                                             .live = on_live,
                                             .failed = on_failed};
        int ret = sync_block_start(r->base, &options, &part->block, e);
        if (ret != ERR_OK)
            return ret;
    }
    return r->options->once ? ERR_OK : start_sign_of_life(r);
}

/* Writes what is left of every block. */
static int finish(struct sync_run *r)
{
    int status = r->failed ? 1 : 0;
    if (r->failed)
        log_error("sync: ending, to be started anew; the zone files stay as they are (no memory)");
    for (size_t i = 0; i < r->nparts; i++) {
        int ret = sync_block_finish(r->parts[i].block);
        if (ret != ERR_OK && r->options->once) {
            log_error("sync: the zone files are not complete (%s)", err_text(ret));
            status = 1;
        }
    }
    return status;
}

static int choose_folder(struct sync_run *r, struct errtext *e)
{
    r->folder = folder_choose(r->options->zones, e);
    return r->folder != NULL ? ERR_OK : ERR_CONFIG;
}

static int prepare(struct sync_run *r, struct errtext *e)
{
    int ret = load_corefile(r->options, &r->corefile, e);
    if (ret == ERR_OK)
        ret = load_parts(r->options, r->corefile, &r->parts, &r->nparts, e);
    if (ret == ERR_OK)
        ret = claim_zones(r, e);
    if (ret == ERR_OK)
        ret = choose_folder(r, e);
    if (ret == ERR_OK)
        ret = sync_lock(r->folder, &r->lock, e);
    return ret == ERR_OK ? start(r, e) : ret;
}

static void cleanup(struct sync_run *r)
{
    free_parts(r->parts, r->nparts);
    free(r->claims);
    for (int i = 0; i < SIGNALS; i++)
        if (r->signals[i] != NULL)
            event_free(r->signals[i]);
    if (r->sign_of_life != NULL)
        event_free(r->sign_of_life);
    if (r->base != NULL)
        event_base_free(r->base);
    corefile_free(r->corefile);
    if (r->lock >= 0)
        close(r->lock);
}

int sync_run(const struct sync_options *options, char **argv)
{
    struct sync_run r = {.options = options, .argv = argv, .lock = -1};
    struct errtext e = {0};
    int status = 1;
    int ret = prepare(&r, &e);
    if (ret == ERR_OK) {
        log_info("sync: writing zone files to %s", r.folder);
        event_base_dispatch(r.base);
        status = finish(&r);
    } else {
        log_error("sync: %s", e.text[0] != '\0' ? e.text : err_text(ret));
        if (ret == ERR_NOT_FOUND)
            status = SYNC_STATUS_NO_BLOCK;
    }
    bool again = r.again;
    if (again)
        hold_reloads(SIG_BLOCK); /* before the handlers go */
    cleanup(&r);
    if (again) {
        log_info("sync: starting anew with the changed configuration");
        execv("/proc/self/exe", argv);
        log_error("sync: cannot start anew (%s)", strerror(errno));
        status = 1;
    }
    return status;
}
