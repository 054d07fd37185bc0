/*
 * loadbalance: puts the addresses (A, AAAA) and mail exchangers (MX) of an answer in random order, CNAMEs
 * first, so that clients that take the first one spread.
 *
 *     loadbalance [round_robin]
 *
 * Only NOERROR answers, in all sections; not transfers. Addresses of different names are not mixed among each
 * other: each name's stay where they were. Example: `loadbalance`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "serve/express_plan.h"
#include "serve/plugin.h"
#include "serve/worker.h"

static int loadbalance_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                             struct errtext *e)
{
    (void)s;
    *state = NULL;
    if (d->nargs > 0 && strcmp(d->args[0], "weighted") == 0)
        return args_error(e, "loadbalance", d,
                          "the policy \"weighted\" is not supported by this version of Seamark yet");
    if (d->nargs > 0 && strcmp(d->args[0], "round_robin") != 0)
        return args_error(e, "loadbalance", d, "unknown policy: %s", d->args[0]);
    int ret = args_count(e, "loadbalance", d, 0, 1);
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++) {
        const struct directive *o = &d->body[i];
        ret = strcmp(o->name, "prefer") == 0
                  ? args_not_yet(e, "loadbalance", o)
                  : args_error(e, "loadbalance", o, "unknown property '%s'", o->name);
    }
    return ret;
}

static enum verdict loadbalance_query(void *state, struct request *r)
{
    (void)state;
    r->shuffle = true;
    return VERDICT_NEXT;
}

static bool is_address(uint16_t type)
{
    return type == RR_A || type == RR_AAAA;
}

/* Place of a type in CoreDNS's order of a section. */
static unsigned rank(uint16_t type)
{
    return type == RR_CNAME ? 0 : is_address(type) ? 2 : type == RR_MX ? 3 : 1;
}

/* A number below n. The bias of the remainder is below 2^-50. */
static unsigned below(struct worker *w, unsigned n)
{
    return (unsigned)((worker_random(w) >> 4) % n);
}

/* ---- the usual case: addresses swap places within a run of one owner and type ---- */

static bool same_owner(const struct reply *r, unsigned i, unsigned j)
{
    uint16_t a = wire_u16(r->wire + r->rr[i].at), b = wire_u16(r->wire + r->rr[j].at);
    if (a >= 0xc000 && a == b)
        return true; /* both point to one place: nearly always, the question */
    if (b >= 0xc000 && (b & 0x3fff) == r->rr[i].at)
        return true;
    uint8_t x[NAME_MAX_LEN], y[NAME_MAX_LEN];
    reply_owner(r, i, x);
    reply_owner(r, j, y);
    return name_equal(x, y);
}

static void shuffle_runs(struct worker *w, struct reply *r, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end;) {
        unsigned j = i + 1;
        if (is_address(r->rr[i].type))
            while (j < end && r->rr[j].type == r->rr[i].type && same_owner(r, i, j))
                j++;
        for (unsigned left = j - i; left > 1; left--)
            reply_swap_rdata(r, i + left - 1, i + below(w, left));
        i = j;
    }
}

/* ---- the rare case: records themselves change places, so the message is written anew ---- */

struct order {
    uint16_t at[REPLY_RECORDS_MAX];
};

static bool wants_reorder(const struct reply *r, unsigned first, unsigned end)
{
    unsigned exchangers = 0;
    for (unsigned i = first; i < end; i++) {
        exchangers += r->rr[i].type == RR_MX;
        if (i > first && rank(r->rr[i].type) < rank(r->rr[i - 1].type))
            return true;
    }
    return exchangers > 1;
}

/* By rank, stable, the exchangers in random order. */
static void choose_order(struct worker *w, const struct reply *r, unsigned first, unsigned end,
                         struct order *o)
{
    unsigned n = first;
    for (unsigned k = 0; k <= 3; k++) {
        unsigned start = n;
        for (unsigned i = first; i < end; i++)
            if (rank(r->rr[i].type) == k)
                o->at[n++] = (uint16_t)i;
        for (unsigned left = k == 3 ? n - start : 0; left > 1; left--) {
            unsigned i = start + left - 1, j = start + below(w, left);
            uint16_t moved = o->at[i];
            o->at[i] = o->at[j];
            o->at[j] = moved;
        }
    }
}

static void add_again(struct reply *r, const struct reply *old, unsigned i, enum reply_section s,
                      uint8_t *rdata)
{
    uint8_t owner[NAME_MAX_LEN];
    const uint8_t *fixed = old->wire + old->rr[i].rdata - 10;
    reply_owner(old, i, owner);
    int len =
        rdata_unpack(old->wire, old->len, old->rr[i].rdata, reply_rdlen(old, i), old->rr[i].type, rdata);
    if (len < 0)
        return; /* our own writing: it cannot be */
    const struct rr rr = {.owner = owner,
                          .type = old->rr[i].type,
                          .class = wire_u16(fixed + 2),
                          .ttl = wire_u32(fixed + 4),
                          .rdlen = (uint16_t)len,
                          .rdata = rdata};
    reply_add(r, s, &rr);
}

/* Without memory for the copy the order stays as it is. */
static void reorder(struct worker *w, struct reply *r)
{
    struct order o;
    struct reply *old = malloc(sizeof *old + RDATA_MAX);
    if (old == NULL)
        return;
    uint8_t *rdata = (uint8_t *)(old + 1);
    memcpy(old, r, sizeof *old);
    for (unsigned s = 0, first = 0; s < 3; first += r->count[s++])
        choose_order(w, r, first, first + r->count[s], &o);
    reply_cut(r, SECTION_ANSWER);
    for (unsigned s = 0, i = 0; s < 3; s++)
        for (unsigned k = 0; k < old->count[s]; k++)
            add_again(r, old, o.at[i++], (enum reply_section)s, rdata);
    free(old);
}

static void loadbalance_answer(void *state, struct request *r)
{
    (void)state;
    struct reply *reply = r->reply;
    if (reply->rcode != RCODE_NOERROR || reply->nrecords < 2 || r->q.qtype == RR_AXFR ||
        r->q.qtype == RR_IXFR)
        return;
    bool wanted = false;
    for (unsigned s = 0, first = 0; s < 3; first += reply->count[s++])
        wanted = wanted || wants_reorder(reply, first, first + reply->count[s]);
    if (wanted && !reply->overflow)
        reorder(r->worker, reply);
    for (unsigned s = 0, first = 0; s < 3; first += reply->count[s++])
        shuffle_runs(r->worker, reply, first, first + reply->count[s]);
}

/* A random beginning in place of a random order: whoever takes the first address is spread as evenly. */
static bool loadbalance_express(void *state, struct express_plan *p)
{
    (void)state;
    p->rotate = true;
    return true;
}

const struct plugin plugin_loadbalance = {
    .name = "loadbalance",
    .setup = loadbalance_setup,
    .query = loadbalance_query,
    .answer = loadbalance_answer,
    .express = loadbalance_express,
};
