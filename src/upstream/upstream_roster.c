#include "upstream/upstream_roster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/control.h"
#include "serve/workers.h"

/* ---- sets ---- */

bool upstream_roster_usable(const struct upstream_settings *s, const union address *a)
{
    sa_family_t family = s->check.source.sa.sa_family;
    return family == AF_UNSPEC || family == a->sa.sa_family;
}

/* The same address twice counts once. */
static void add_address(struct upstream_set *s, const union address *a, const struct upstream_transport *t)
{
    char text[UPSTREAM_TEXT_MAX];
    if (!upstream_roster_usable(&s->settings, a)) {
        log_warning("plugin/forward: %s: upstream %s left out (source_address is of another family)",
                    s->where, upstream_address_text(a, text));
        return;
    }
    for (unsigned i = 0; i < s->count; i++)
        if (address_equal(&s->addresses[i], a) && upstream_transport_equal(&s->transports[i], t))
            return;
    if (s->count < UPSTREAMS_MAX) {
        s->transports[s->count] = *t;
        s->addresses[s->count++] = *a;
    } else
        log_warning("plugin/forward: %s: more than %d upstreams, the rest is left out", s->where,
                    UPSTREAMS_MAX);
}

/* The transport of a source's upstreams, with what the directive says for all. */
static struct upstream_transport transport_of(const struct upstream_roster *r,
                                              const struct upstream_source *source)
{
    struct upstream_transport t = source->transport;
    if (t.protocol == PROTOCOL_DNS)
        return t;
    t.tls = r->settings.tls;
    t.get = r->settings.doh_get;
    if (t.server_name[0] == '\0')
        memcpy(t.server_name, r->settings.server_name, sizeof t.server_name);
    return t;
}

/* The set that the sources make now; not started. */
static struct upstream_set *set_of_sources(const struct upstream_roster *r)
{
    struct upstream_set *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->settings = r->settings;
    s->where = r->where;
    for (unsigned i = 0; i < r->nsources; i++) {
        const struct upstream_transport t = transport_of(r, &r->sources[i]);
        for (unsigned k = 0; k < r->sources[i].count; k++)
            add_address(s, &r->sources[i].addresses[k], &t);
    }
    return s;
}

static bool same_upstreams(const struct upstream_set *a, const struct upstream_set *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (!address_equal(&a->addresses[i], &b->addresses[i]) ||
            !upstream_transport_equal(&a->transports[i], &b->transports[i]))
            return false;
    return true;
}

static void set_free(struct upstream_set *s)
{
    if (s != NULL)
        upstream_set_stop(s);
    free(s);
}

/* Frees the retired sets that no worker holds any more; all of them at the end. */
static void sweep(struct upstream_roster *r)
{
    struct upstream_set **at = &r->retired;
    while (*at != NULL) {
        struct upstream_set *s = *at;
        if (__atomic_load_n(&s->workers, __ATOMIC_ACQUIRE) == 0) {
            *at = s->next;
            set_free(s);
        } else {
            at = &s->next;
        }
    }
}

/* ---- from one set to the next ---- */

struct change {
    struct upstream_roster *roster;
    struct upstream_set *fresh;
};

static int prepare(struct worker *w, void *ctx)
{
    struct change *c = ctx;
    struct errtext e = {{0}};
    if (upstream_roster_set(c->roster, w) == NULL)
        return ERR_OK; /* the configuration is not in force in this worker */
    int ret = upstream_set_worker_start(c->fresh, w, &e);
    if (ret != ERR_OK)
        log_error("%s", e.text);
    return ret;
}

static int abandon(struct worker *w, void *ctx)
{
    struct change *c = ctx;
    upstream_set_worker_stop(c->fresh, w);
    return ERR_OK;
}

static int adopt(struct worker *w, void *ctx)
{
    struct change *c = ctx;
    struct upstream_set **mine = &c->roster->of_worker[worker_index(w)];
    if (*mine != NULL) {
        upstream_set_worker_retire(*mine, w);
        *mine = c->fresh;
    }
    return ERR_OK;
}

static void log_set(const struct upstream_set *s)
{
    char line[UPSTREAMS_MAX * (UPSTREAM_TEXT_MAX + 2)] = "";
    size_t len = 0;
    for (unsigned i = 0; i < s->count; i++)
        len +=
            (size_t)snprintf(line + len, sizeof line - len, "%s%s", i > 0 ? ", " : "", s->upstreams[i]->text);
    log_info("plugin/forward: %s: upstreams are now %s", s->where, line);
}

static int change(struct upstream_roster *r, struct upstream_set *fresh)
{
    struct change c = {.roster = r, .fresh = fresh};
    struct errtext e = {{0}};
    int ret = upstream_set_start(fresh, &e);
    if (ret != ERR_OK)
        return ret;
    ret = workers_call(prepare, &c);
    if (ret != ERR_OK) {
        workers_call(abandon, &c);
        return ret;
    }
    workers_call(adopt, &c);
    struct upstream_set *old = r->set;
    r->set = fresh;
    log_set(fresh);
    if (r->changed != NULL)
        r->changed(r->changed_ctx);
    old->next = r->retired;
    r->retired = old;
    return ERR_OK;
}

static void follow(struct upstream_roster *r)
{
    struct upstream_set *fresh = set_of_sources(r);
    int ret = fresh == NULL ? -ENOMEM : ERR_OK;
    if (ret == ERR_OK && fresh->count > 0 && !same_upstreams(fresh, r->set))
        ret = change(r, fresh);
    if (ret != ERR_OK)
        log_error("plugin/forward: %s: the upstreams stay as they were (%s)", r->where, err_text(ret));
    if (r->set != fresh)
        set_free(fresh);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream_roster *r = ctx;
    bool changed = false;
    (void)fd, (void)what;
    sweep(r);
    for (unsigned i = 0; i < r->nsources; i++)
        changed |= upstream_source_look(&r->sources[i]);
    if (changed)
        follow(r);
}

/* ---- life ---- */

static int start_timer(struct upstream_roster *r)
{
    const struct timeval every = {.tv_sec = ROSTER_LOOK_MS / 1000, .tv_usec = ROSTER_LOOK_MS % 1000 * 1000};
    bool changes = false;
    for (unsigned i = 0; i < r->nsources; i++)
        changes |= upstream_source_changes(&r->sources[i]);
    if (!changes)
        return ERR_OK;
    r->timer = event_new(control_base(), -1, EV_PERSIST, on_timer, r);
    return r->timer == NULL || event_add(r->timer, &every) != 0 ? -ENOMEM : ERR_OK;
}

/* Host names are looked up all at once, and waited for together. */
static void look_up(struct upstream_roster *r)
{
    uint64_t end = clock_ms() + ROSTER_LOOKUP_MS;
    for (unsigned i = 0; i < r->nsources; i++)
        if (r->sources[i].host != NULL)
            upstream_source_look(&r->sources[i]);
    for (unsigned i = 0; i < r->nsources; i++) {
        uint64_t now = clock_ms();
        upstream_source_wait(&r->sources[i], now < end ? (unsigned)(end - now) : 0);
    }
}

int upstream_roster_start(struct upstream_roster *r, struct errtext *e)
{
    look_up(r);
    r->set = set_of_sources(r);
    if (r->set == NULL)
        return errtext_set(e, -ENOMEM, "%s - plugin/forward: no memory", r->where);
    int ret = upstream_set_start(r->set, e);
    if (ret != ERR_OK) { /* it has stopped itself */
        free(r->set);
        r->set = NULL;
        return ret;
    }
    if (r->set->count == 0)
        log_error("plugin/forward: %s: no upstream is known yet, names that are forwarded fail", r->where);
    ret = start_timer(r);
    if (ret != ERR_OK)
        return errtext_set(e, ret, "%s - plugin/forward: no memory", r->where);
    if (r->changed != NULL)
        r->changed(r->changed_ctx);
    return ERR_OK;
}

void upstream_roster_stop(struct upstream_roster *r)
{
    if (r->timer != NULL)
        event_free(r->timer);
    r->timer = NULL;
    r->changed = NULL;
}

void upstream_roster_free(struct upstream_roster *r)
{
    upstream_roster_stop(r);
    sweep(r);
    set_free(r->set);
    r->set = NULL;
    for (unsigned i = 0; i < r->nsources; i++)
        upstream_source_free(&r->sources[i]);
}

int upstream_roster_worker_start(struct upstream_roster *r, struct worker *w, struct errtext *e)
{
    int ret = upstream_set_worker_start(r->set, w, e);
    if (ret == ERR_OK)
        r->of_worker[worker_index(w)] = r->set;
    return ret;
}

void upstream_roster_worker_stop(struct upstream_roster *r, struct worker *w)
{
    struct upstream_set **mine = &r->of_worker[worker_index(w)];
    if (*mine != NULL)
        upstream_set_worker_stop(*mine, w);
    *mine = NULL;
}
