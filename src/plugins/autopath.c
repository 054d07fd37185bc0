/*
 * autopath: goes through a client's search list on its behalf, so that one question does for all.
 *
 *     autopath [ZONE...] RESOLV-CONF|@kubernetes|@names
 *
 * A question at or below a ZONE (those of the server block without) for a name below the first domain of the
 * search list is asked with each domain of the list in turn, of the stages below, and at last with none. The
 * first that has data is the answer, with a CNAME from the name that was asked to the one that was found;
 * serve/search_walk.h has the rule. RESOLV-CONF is a file with the search list. The others have
 * NAMESPACE.svc.ZONE, svc.ZONE, ZONE and what this host's own /etc/resolv.conf searches: @kubernetes with the
 * namespace of the pod that asks, @names with the one that the question names. Example: `autopath @names`.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dns/rr.h"
#include "metrics/metrics.h"
#include "serve/config.h"
#include "serve/kubernetes_stage.h"
#include "serve/search_list.h"
#include "serve/search_walk.h"
#include "serve/zone_scope.h"

#define PLUGIN    "autopath"
#define HOST_LIST "/etc/resolv.conf"

enum source { FROM_FILE, FROM_CLIENT, FROM_NAME, FROM_NOWHERE };

struct autopath {
    enum source source;
    struct zone_scope scope;
    struct search_list list; /* all of it, or what stands behind the cluster's domains */
    const struct config *config;
    const struct block *block;
    const struct metric **found; /* by listener */
    char where[256];             /* "Corefile:12" */
};

/* A request that is being searched for. */
struct search {
    struct request_note note;
    struct search_walk walk;
    uint8_t base_len;  /* octets of the name in front of the list's first domain */
    uint8_t namespace; /* offset of svc.ZONE in the question's name; 0: the list is a file's */
};

/* ---- the directive ---- */

static void autopath_free(void *state)
{
    struct autopath *a = state;
    zone_scope_free(&a->scope);
    free(a->found);
    free(a);
}

static int read_zones(struct autopath *a, const struct plugin_setup *s, const struct directive *d,
                      struct errtext *e)
{
    struct directive without_last = *d;
    struct zone_list zones = {0};
    without_last.nargs--;
    int ret = args_zones(e, PLUGIN, &without_last, 0, s->source, &zones);
    if (ret == ERR_OK)
        ret = zone_scope_init(&a->scope, &zones);
    zone_list_free(&zones);
    return ret;
}

static bool verifies_pods(const struct directive *kubernetes)
{
    for (size_t i = 0; i < kubernetes->nbody; i++)
        if (strcmp(kubernetes->body[i].name, "pods") == 0)
            return kubernetes->body[i].nargs == 1 && strcmp(kubernetes->body[i].args[0], "verified") == 0;
    return false;
}

/* `@plugin`: CoreDNS asks whatever plugin the block has for the list, and refuses those that have none. */
static int read_plugin(struct autopath *a, const struct plugin_setup *s, const struct directive *d,
                       const char *name, struct errtext *e)
{
    static const char *const nothing = "plugin/autopath: nothing is searched for";
    const struct directive *kubernetes = server_block_find(s->source, "kubernetes");
    a->source = FROM_NOWHERE;
    if (strcmp(name, "names") == 0) {
        a->source = FROM_NAME;
        if (kubernetes == NULL)
            return args_error(e, PLUGIN, d, "@names needs a kubernetes block beside it");
    } else if (strcmp(name, "kubernetes") == 0 && kubernetes != NULL) {
        if (verifies_pods(kubernetes))
            a->source = FROM_CLIENT;
        else
            log_warning("%s - %s: @kubernetes needs `pods verified`; @names does not", a->where, nothing);
    } else if (server_block_find(s->source, name) != NULL) {
        return args_error(e, PLUGIN, d, "%s does not implement the AutoPather interface", name);
    } else {
        log_warning("%s - %s: there is no %s in this block", a->where, nothing, name);
    }
    if (a->source != FROM_NOWHERE && search_list_read(HOST_LIST, &a->list) != ERR_OK)
        log_info("%s - plugin/autopath: no search list in " HOST_LIST, a->where);
    return ERR_OK;
}

static int read_list(struct autopath *a, const struct plugin_setup *s, const struct directive *d,
                     struct errtext *e)
{
    const char *last = d->args[d->nargs - 1];
    if (last[0] == '@')
        return read_plugin(a, s, d, last + 1, e);
    int ret = search_list_read(last, &a->list);
    if (ret != ERR_OK) {
        char why[128]; /* in lower case, as Go says it */
        snprintf(why, sizeof why, "%s", err_text(ret));
        why[0] = (char)tolower((unsigned char)why[0]);
        return args_error(e, PLUGIN, d, "failed to parse \"%.200s\": open %.200s: %s", last, last, why);
    }
    a->source = a->list.count > 0 ? FROM_FILE : FROM_NOWHERE;
    if (a->source == FROM_NOWHERE)
        log_warning("%s - plugin/autopath: nothing is searched for: no search list in %s", a->where, last);
    return ERR_OK;
}

static int autopath_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                          struct errtext *e)
{
    if (d->has_body)
        return args_error(e, PLUGIN, d, "expected no block");
    if (d->nargs == 0)
        return args_error(e, PLUGIN, d, "no resolv-conf specified");
    struct autopath *a = calloc(1, sizeof *a);
    if (a == NULL)
        return -ENOMEM;
    snprintf(a->where, sizeof a->where, "%s:%u", d->file, d->line);
    a->config = s->config;
    a->block = s->block;
    int ret = read_zones(a, s, d, e);
    if (ret == ERR_OK)
        ret = read_list(a, s, d, e);
    if (ret != ERR_OK) {
        autopath_free(a);
        return ret;
    }
    *state = a;
    return ERR_OK;
}

static const struct metric_desc found_desc = {.name = "coredns_autopath_success_total",
                                              .help = "Counter of requests that did autopath.",
                                              .type = METRIC_COUNTER,
                                              .hide_zero = true};

static int autopath_start(void *state, struct errtext *e)
{
    struct autopath *a = state;
    a->found = calloc(a->config->nlisteners, sizeof(const struct metric *));
    if (a->found == NULL)
        return errtext_set(e, -ENOMEM, "plugin/autopath: no memory");
    for (size_t i = 0; i < a->config->nlisteners; i++) {
        const struct metric_label labels[] = {LABEL("server", a->config->listeners[i].label)};
        a->found[i] = metrics_register(&found_desc, labels, 1);
    }
    return ERR_OK;
}

static void count_found(const struct autopath *a, const struct request *r)
{
    metrics_add(a->found[r->route->listener - a->config->listeners], 0, 1);
}

/* ---- the list of a question ---- */

/* Octets of `lname` in front of `domain`; 0 where it is not below it. */
static size_t octets_before(const uint8_t *lname, size_t len, const uint8_t *domain)
{
    return name_in(lname, domain) ? len - name_len(domain) : 0;
}

/* BASE.NAMESPACE.svc.ZONE: finds where svc.ZONE begins, and the base in front of the namespace. */
static bool cut_cluster_name(const struct kubernetes_stage *k, const struct query *q, struct search *s)
{
    static const uint8_t svc[] = "\3svc";
    const uint8_t *apex = kubernetes_stage_zone(k, q->lname);
    size_t before = apex == NULL ? 0 : octets_before(q->lname, q->qname_len, apex);
    const uint8_t *namespace = NULL, *end = q->lname + before;
    s->base_len = 0;
    for (const uint8_t *at = q->lname; at < end; at += 1 + *at) {
        if (end - at == 4 && memcmp(at, svc, 4) == 0 && namespace != NULL && namespace != q->lname) {
            s->base_len = (uint8_t)(namespace - q->lname);
            s->namespace = (uint8_t)(at - q->lname);
        }
        namespace = at;
    }
    return s->base_len > 0;
}

/* @names: whether the namespace is one, and the base may be a name from elsewhere. What names a Service of
 * that namespace is left alone, and so is a single label, which in all likelihood does: it is the same
 * question whoever asks it, and a Service that is gone must not turn into a name of the outside. */
static bool may_be_outside(const struct kubernetes_stage *k, const struct query *q, const struct search *s)
{
    const uint8_t *service = q->lname, *base_end = q->lname + s->base_len;
    while (service + 1 + *service < base_end)
        service += 1 + *service;
    return service != q->lname && kubernetes_stage_knows(k, base_end) && !kubernetes_stage_knows(k, service);
}

/* @kubernetes: whether the namespace is the one of the pod that asks. */
static bool is_from_there(const struct kubernetes_stage *k, const struct request *r, const struct search *s)
{
    char namespace[NAME_MAX_LABEL];
    const uint8_t *asked = r->q.lname + s->base_len;
    int len = kubernetes_stage_client(k, r, "namespace", namespace, sizeof namespace);
    return len == asked[0] && memcmp(namespace, asked + 1, (size_t)len) == 0;
}

/* Fills what the search needs to know; false where there is nothing to search for. */
static bool find_list(const struct autopath *a, const struct request *r, struct search *s)
{
    const struct kubernetes_stage *k = a->block->kubernetes;
    unsigned cluster = 3;
    switch (a->source) {
    case FROM_FILE:
        s->base_len = (uint8_t)octets_before(r->q.lname, r->q.qname_len, a->list.domains[0]);
        s->namespace = 0;
        cluster = 0;
        if (s->base_len == 0)
            return false;
        break;
    case FROM_NAME:
        if (!cut_cluster_name(k, &r->q, s) || !may_be_outside(k, &r->q, s))
            return false;
        break;
    case FROM_CLIENT:
        if (!cut_cluster_name(k, &r->q, s) || !is_from_there(k, r, s))
            return false;
        break;
    case FROM_NOWHERE:
        return false;
    }
    search_begin(&s->walk, r->q.qtype, cluster + (unsigned)a->list.count + 1);
    return true;
}

/* Candidate `index`: the base and a domain of the list, or none; 0 where that is too long for a name. */
static size_t candidate(const struct autopath *a, const struct query *q, const struct search *s,
                        unsigned index, uint8_t *out)
{
    static const uint8_t root[] = {0};
    const uint8_t *domain = root;
    unsigned cluster = s->namespace != 0 ? 3 : 0;
    if (index == 0)
        domain = q->qname + s->base_len;
    else if (index < cluster)
        domain = q->qname + s->namespace + (index == 2 ? 4 : 0);
    else if (index - cluster < a->list.count)
        domain = a->list.domains[index - cluster];
    size_t len = name_len(domain);
    if (s->base_len + len > NAME_MAX_LEN)
        return 0;
    memcpy(out, q->qname, s->base_len);
    memcpy(out + s->base_len, domain, len);
    return s->base_len + len;
}

/* ---- searching ---- */

static void candidate_answered(struct request *inner);

/* Asks for the candidate as if the client did: in this block of the stages below, else the block that has it.
 */
static int ask(const struct autopath *a, struct request *r, struct search *s, bool other)
{
    uint8_t name[NAME_MAX_LEN];
    if (candidate(a, &r->q, s, s->walk.at, name) == 0) {
        s->walk.at = (uint8_t)(s->walk.count - 1); /* glibc's search ends here too: the bare name is left */
        candidate(a, &r->q, s, s->walk.at, name);
    }
    struct query q;
    query_make(&q, name, other ? search_other_type(r->q.qtype) : r->q.qtype);
    const struct route *route = listener_route(r->route->listener, &q);
    if (route == NULL || route->block != a->block)
        return request_ask_self(r, name, q.qtype, candidate_answered, r);
    return request_ask_below(r, name, q.qtype, candidate_answered, r);
}

/* The answer for a candidate as the one to what was asked. */
static void take(struct request *r, struct request *inner, bool elsewhere)
{
    struct reply *found = inner->reply, *reply = request_reply(r);
    r->error_text = inner->error_text;
    reply->rcode = found->rcode;
    reply->ede = found->ede;
    reply->ede_text = found->ede_text;
    if (elsewhere && found->count[SECTION_ANSWER] > 0) {
        struct rr alias = {.owner = r->q.qname,
                           .type = RR_CNAME,
                           .class = CLASS_IN,
                           .ttl = reply_ttl(found, 0),
                           .rdlen = inner->asked->qname_len,
                           .rdata = inner->asked->qname};
        reply_add(reply, SECTION_ANSWER, &alias);
        found->flags &= (uint16_t)~FLAG_AD; /* nobody has signed that CNAME (RFC 4035 section 3.2.3) */
    }
    reply_finish(found, REPLY_CAP);
    reply_copy(reply, found->wire, found->len, SECTION_ANSWER, SECTION_ADDITIONAL);
    reply->flags = found->flags & (FLAG_AA | FLAG_TC | FLAG_RA | FLAG_AD);
    request_adopt(r, inner); /* what error_text and ede_text may point into, too */
}

static void candidate_answered(struct request *inner)
{
    struct request *r = inner->origin;
    const struct autopath *a = r->route->block->stages[r->stage].state;
    struct search *s = (struct search *)request_note_of(r, a);
    enum search_step step = search_next(&s->walk, search_outcome_of(inner->reply));
    if (step == SEARCH_TAKE && inner->reply != NULL) {
        take(r, inner, s->walk.at > 0);
        if (r->reply->rcode != RCODE_NXDOMAIN)
            count_found(a, r);
        request_resume(r, VERDICT_ANSWERED);
        return;
    }
    bool more = step == SEARCH_ASK || step == SEARCH_ASK_OTHER;
    if (more && ask(a, r, s, step == SEARCH_ASK_OTHER) == ERR_OK)
        return;
    if (s->walk.nodata == 0)
        count_found(a, r);
    request_resume(r, VERDICT_NEXT);
}

static void note_free(struct request_note *note)
{
    free(note);
}

static enum verdict autopath_query(void *state, struct request *r)
{
    const struct autopath *a = state;
    struct search found;
    if (r->q.qclass != CLASS_IN || !zone_scope_has(&a->scope, r->q.lname) || !find_list(a, r, &found))
        return VERDICT_NEXT;
    const struct kubernetes_stage *k = a->block->kubernetes;
    if (k != NULL &&
        kubernetes_stage_has(k, r->q.lname, r->q.qtype)) { /* no need to search: most questions */
        count_found(a, r);
        return VERDICT_NEXT;
    }
    struct search *s = malloc(sizeof *s);
    if (s == NULL)
        return VERDICT_NEXT;
    *s = found;
    s->note = (struct request_note){.owner = a, .free = note_free};
    request_keep(r, &s->note);
    return ask(a, r, s, false) == ERR_OK ? VERDICT_PENDING : VERDICT_NEXT;
}

const struct plugin plugin_autopath = {
    .name = PLUGIN,
    .setup = autopath_setup,
    .free = autopath_free,
    .start = autopath_start,
    .query = autopath_query,
};
