#include "upstream/inflight.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS  64
#define BUCKETS 64 /* of a shard: with UPSTREAM_QUESTIONS_MAX under way there is one in each */

struct inflight {
    struct inflight *next; /* in its bucket */
    const void *set;
    uint64_t hash;
    uint64_t options_hash;
    uint16_t qtype, qclass;
    bool dnssec_ok, checking_disabled, recursion_desired, tcp;
    unsigned nwaiters;
    struct worker *worker;           /* the leader's */
    struct inflight_waiter *leader;  /* told with the others, in its own worker */
    struct inflight_waiter *waiters; /* followers, newest first */
    uint8_t name_len;
    uint8_t name[NAME_MAX_LEN];
};

struct shard {
    pthread_mutex_t lock;
    struct inflight *buckets[BUCKETS];
} __attribute__((aligned(64))); /* each on its own cache line */

static struct shard shards[SHARDS] = {[0 ... SHARDS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};

static struct shard *shard_of(uint64_t hash, struct inflight ***bucket)
{
    struct shard *s = &shards[hash % SHARDS];
    *bucket = &s->buckets[hash / SHARDS % BUCKETS];
    return s;
}

static bool same(const struct inflight *f, const void *set, const struct query *q, bool tcp, uint64_t hash)
{
    return f->hash == hash && f->set == set && f->options_hash == q->options_hash && f->qtype == q->qtype &&
           f->qclass == q->qclass && f->tcp == tcp && f->dnssec_ok == q->dnssec_ok &&
           f->checking_disabled == ((q->flags & FLAG_CD) != 0) &&
           f->recursion_desired == ((q->flags & FLAG_RD) != 0) && f->name_len == q->qname_len &&
           memcmp(f->name, q->lname, q->qname_len) == 0;
}

static struct inflight *make(const void *set, const struct query *q, bool tcp, uint64_t hash,
                             struct inflight_waiter *leader)
{
    struct inflight *f = malloc(sizeof *f);
    if (f == NULL)
        return NULL;
    f->set = set;
    f->hash = hash;
    f->options_hash = q->options_hash;
    f->qtype = q->qtype;
    f->qclass = q->qclass;
    f->dnssec_ok = q->dnssec_ok;
    f->checking_disabled = (q->flags & FLAG_CD) != 0;
    f->recursion_desired = (q->flags & FLAG_RD) != 0;
    f->tcp = tcp;
    f->nwaiters = 1;
    f->worker = leader->worker;
    f->leader = leader;
    f->waiters = NULL;
    f->name_len = q->qname_len;
    memcpy(f->name, q->lname, q->qname_len);
    return f;
}

enum inflight_role inflight_join(const void *set, const struct query *q, bool tcp,
                                 struct inflight_waiter *waiter, bool may_follow, struct inflight **out)
{
    uint64_t hash = q->hash ^ (q->qtype * 0x9e3779b97f4a7c15u) ^ q->options_hash;
    struct inflight **bucket;
    struct shard *s = shard_of(hash, &bucket);
    enum inflight_role role = INFLIGHT_FULL;
    *out = NULL;
    pthread_mutex_lock(&s->lock);
    struct inflight *f = *bucket;
    while (f != NULL && !same(f, set, q, tcp, hash))
        f = f->next;
    if (f == NULL) {
        f = make(set, q, tcp, hash, waiter);
        if (f != NULL) {
            f->next = *bucket;
            *bucket = f;
            *out = f;
            role = INFLIGHT_LEAD;
        }
    } else if (may_follow && f->nwaiters < INFLIGHT_WAITERS_MAX) {
        f->nwaiters++;
        waiter->next = f->waiters;
        f->waiters = waiter;
        role = INFLIGHT_FOLLOW;
    }
    pthread_mutex_unlock(&s->lock);
    return role;
}

/* ---- telling ---- */

static void tell(struct inflight_waiter *w, enum upstream_result result, struct exchange_answer *answer)
{
    while (w != NULL) {
        struct inflight_waiter *next = w->next; /* telling gives the waiter back */
        w->tell(w, result, answer);
        w = next;
    }
}

static void read_post(void *ctx)
{
    struct inflight_waiter *first = ctx;
    struct exchange_answer *answer = first->answer;
    tell(first, first->result, answer);
    exchange_answer_unref(answer);
}

/* To all of one worker's. */
static void post(struct inflight_waiter *first, enum upstream_result result, struct exchange_answer *answer)
{
    first->result = result;
    first->answer = answer == NULL ? NULL : exchange_answer_ref(answer);
    worker_post_task(first->worker, &first->post, read_post, first);
}

/* Takes the waiters of one worker, the first's, out of the list. */
static struct inflight_waiter *take_of_one_worker(struct inflight_waiter **list)
{
    struct worker *w = (*list)->worker;
    struct inflight_waiter *mine = NULL, **at = list;
    while (*at != NULL) {
        struct inflight_waiter *waiter = *at;
        if (waiter->worker == w) {
            *at = waiter->next;
            waiter->next = mine;
            mine = waiter;
        } else {
            at = &waiter->next;
        }
    }
    return mine; /* reversed: now the oldest first */
}

/* From here on nobody joins it. */
static void take_out(struct inflight *f)
{
    struct inflight **at;
    struct shard *s = shard_of(f->hash, &at);
    pthread_mutex_lock(&s->lock);
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    pthread_mutex_unlock(&s->lock);
}

void inflight_finish(struct inflight *f, enum upstream_result result, struct exchange_answer *answer)
{
    take_out(f);
    struct inflight_waiter *local = NULL;
    while (f->waiters != NULL) {
        struct inflight_waiter *group = take_of_one_worker(&f->waiters);
        if (group->worker == f->worker)
            local = group;
        else
            post(group, result, answer);
    }
    f->leader->next = local;
    local = f->leader;
    free(f);
    tell(local, result, answer);
}

void inflight_abandon(struct inflight *f)
{
    take_out(f);
    while (f->waiters != NULL) { /* all of them by mail: this may be within a chain of one of them */
        struct inflight_waiter *group = take_of_one_worker(&f->waiters);
        post(group, UPSTREAM_CANCELLED, NULL);
    }
    free(f);
}
