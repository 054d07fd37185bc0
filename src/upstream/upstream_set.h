/*
 * The upstreams of one `forward` directive at one time: who they are, the order in which a question tries
 * them, how many questions may be under way, and each worker's exchanges with them. A question's way through
 * the set is upstream_ask.h; how one set follows another, upstream_roster.h.
 *
 * Filled in and started in the control thread; read-only to workers but for the atomic counters and their own
 * slot of exchanges.
 */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_SET_H
#define SEAMARK_UPSTREAM_UPSTREAM_SET_H

#include <stdbool.h>

#include "exchange/exchange.h"
#include "exchange/tls_client.h"
#include "serve/worker.h"
#include "upstream/upstream.h"
#include "upstream/upstream_source.h"

#define UPSTREAM_DEADLINE_MS 5000 /* CoreDNS's, of a question over all its tries */

/* Questions under way, over all sets and workers, whatever max_concurrent says: one costs up to 16 KiB inside
 * libunbound, and a socket. 4,096 are 64 MiB at the worst, and 80,000 a second at 50 ms. Beyond it questions
 * are refused as by max_concurrent. */
#define UPSTREAM_QUESTIONS_MAX 4096

/* FASTEST: by the mean time of answers; one question in UPSTREAM_EXPLORE goes to another first, so that one
 * that has become fast is found. */
enum upstream_policy { POLICY_RANDOM, POLICY_ROUND_ROBIN, POLICY_SEQUENTIAL, POLICY_FASTEST };
#define UPSTREAM_EXPLORE 32

struct upstream_settings {
    enum upstream_policy policy;
    unsigned max_fails;            /* 0: never down, never checked */
    bool attempts_set;             /* without it tries are twice as many as upstreams */
    unsigned max_connect_attempts; /* tries of one question; 0: as many as the deadline allows */
    unsigned max_concurrent;       /* 0: no limit but UPSTREAM_QUESTIONS_MAX */
    uint32_t read_timeout_ms;      /* of one try */
    uint32_t expire_ms;            /* of an idle TCP connection */
    uint32_t max_age_ms;           /* of any TCP connection; 0: no limit */
    unsigned max_idle_conns;       /* 0: no limit */
    bool force_tcp;
    bool prefer_udp;
    bool failfast;   /* all down: fail at once instead of trying one at random */
    bool direct;     /* all questions go over the direct exchanges, and none over libunbound */
    bool plain_only; /* the configuration says so that it shall be libunbound */
    bool case_randomisation;
    bool hedge;           /* a late question is put to the next upstream as well ... */
    uint32_t hedge_ms;    /* ... after this; 0: when 19 of 20 answers of the upstream have come */
    uint32_t max_qps;     /* questions to one upstream in a second; 0: no limit */
    uint32_t deadline_ms; /* of a question over all its tries */
    uint32_t failover; /* bit n: an answer with rcode n is given only if no other upstream has a better one */
    struct tls_client *tls;            /* a reference; NULL where no upstream needs it */
    struct tls_settings tls_files;     /* what it is made of; only while the directive is read */
    char server_name[SERVER_NAME_MAX]; /* of upstreams that have none of their own */
    bool doh_get;
    struct upstream_check check;
    struct unbound_settings *unbound; /* for libunbound, or NULL; a reference. With recursion the set has one
                                         upstream without an address */
};

struct upstream_want;

/* A worker's exchanges with every upstream of the set. */
struct upstream_links {
    struct exchange *udp[UPSTREAMS_MAX]; /* over libunbound; NULL with force_tcp */
    struct exchange
        *tcp[UPSTREAMS_MAX]; /* made when a client first asks over TCP, or at start with force_tcp */
    struct exchange *direct[2][UPSTREAMS_MAX]; /* over UDP, over TCP: for questions with EDNS options, or for
                                                  all */
    struct upstream_want *want;                /* they are being made */
    unsigned questions;                        /* of this worker, under way in the set */
    bool retired;                              /* to be stopped after the last of them */
};

struct upstream_set {
    struct upstream_settings settings;
    union address addresses[UPSTREAMS_MAX];
    struct upstream_transport transports[UPSTREAMS_MAX]; /* their TLS settings are those of `settings` */
    unsigned count;
    const char *where;                         /* "Corefile:12", for log lines; borrowed */
    struct upstream *upstreams[UPSTREAMS_MAX]; /* from start to stop */
    struct upstream_links *links[WORKERS_MAX]; /* from worker_start to worker_stop */
    unsigned robin;                            /* atomic: of POLICY_ROUND_ROBIN */
    unsigned workers;                          /* atomic: that have links */
    struct upstream_set *next;                 /* the roster's */
};

/* Settings as CoreDNS has them by default. */
void upstream_settings_default(struct upstream_settings *s);

int upstream_set_start(struct upstream_set *s, struct errtext *e); /* control thread */
void upstream_set_stop(struct upstream_set *s);
int upstream_set_worker_start(struct upstream_set *s, struct worker *w, struct errtext *e);
void upstream_set_worker_stop(struct upstream_set *s, struct worker *w);
/* Stops it in the worker now, or after the last of the worker's questions that are under way in it. */
void upstream_set_worker_retire(struct upstream_set *s, struct worker *w);

/* A question of the worker's begins, ends, in the set. After the latter the set may be gone. */
void upstream_set_begin(struct upstream_set *s, struct worker *w);
void upstream_set_end(struct upstream_set *s, struct worker *w);

/* The order in which one question tries the upstreams: a permutation of 0 ... count - 1 in `order`. `random`
 * is any random number. */
void upstream_set_order(struct upstream_set *s, uint64_t random, uint8_t order[UPSTREAMS_MAX]);

/* Takes a place for a question among those of a directive, `limit` (0: none) of them, and among those of the
 * process; or says that there is none (counted as a reject). */
bool upstream_set_enter(unsigned *concurrent, unsigned limit);
void upstream_set_leave(unsigned *concurrent);

/* The worker's exchange for upstream `i`; `direct`: that which sends a question as it is. Where `tcp` is
 * wished for and not yet made, that is begun and UDP given. */
struct exchange *upstream_set_exchange(struct upstream_set *s, struct worker *w, unsigned i, bool tcp,
                                       bool direct);

/* coredns_forward_healthcheck_broken_total: all were down and one was tried at random. */
void upstream_set_count_broken(void);
/* seamark_forward_hedges_total: a question was put to a second upstream because the first was late. */
void upstream_set_count_hedge(void);
/* Registers the counters that have no labels, so that they are shown from the start. */
void upstream_set_metrics(void);

#endif
