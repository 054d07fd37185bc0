/* What the parts of a worker (worker.c, worker_tenancy.c, request.c, io_udp.c, io_tcp.c) share. Nobody else
 * includes this. */
#ifndef SEAMARK_SERVE_WORKER_P_H
#define SEAMARK_SERVE_WORKER_P_H

#include <pthread.h>
#include <sys/queue.h>

#include "serve/config.h"
#include "serve/worker.h"

/* Requests that one worker may have under way. A request takes about 1 KiB, so 16 MiB a worker at the most;
 * beyond it new questions are dropped, as a full socket buffer would, and counted. */
#define WORKER_REQUESTS_MAX 16384

/* Tasks that may be due in one turn of the loop: every request under way could ask for one or two. */
#define WORKER_TASKS_MAX (4 * WORKER_REQUESTS_MAX)

struct task_list {
    struct worker_task *first;
    struct worker_task **last;
    unsigned count;
};

/* A configuration in a worker: it is stopped here when it is no longer the present one and nothing waits in
 * it. */
struct tenancy {
    struct config *config;
    unsigned started; /* stages whose worker_start has run, counted over all blocks */
    unsigned waiting; /* requests that wait */
    bool retired;
    LIST_ENTRY(tenancy) link;
};

struct udp_batch;
struct tcp_shared;

struct worker {
    unsigned index;
    pthread_t thread;
    bool running;
    struct event_base *base;
    struct tenancy *present;
    LIST_HEAD(, tenancy) tenancies;
    LIST_HEAD(, endpoint) endpoints; /* its sockets */
    struct udp_batch *udp;
    struct reply *scratch[REQUEST_DEPTH_MAX];
    struct request *free_requests; /* chained by ->origin */
    unsigned nrequests;            /* under way */
    uint64_t random;
    struct task_list due; /* worker_defer */
    struct event *due_event;
    struct event *idle_event; /* a configuration that was replaced has nothing waiting any more */
    pthread_mutex_t mailbox_lock;
    struct task_list mailbox; /* worker_post, under the lock */
    int mailbox_fd;           /* eventfd */
    struct event *mailbox_event;
    unsigned nconnections; /* TCP */
    unsigned connections_max;
    struct tcp_shared *tcp;
    size_t tcp_buffered;            /* octets that connections hold: not answered yet, or not sent yet */
    TAILQ_HEAD(, conn) connections; /* the one idle for longest first */
};

/* request.c */
void request_count_drops(void);                /* registers the counter; before any request */
struct request *request_new(struct worker *w); /* NULL at the limit */
void request_release(struct request *r);
/* Keeps the request's configuration in the worker while it waits; gives its scratch reply back. */
void request_park(struct request *r);
/* Calls r->done and releases the request: its end in every case. */
void request_end(struct request *r);
/* Parses and answers a message that came by `l`. Calls r->done in every case, now or later. */
void request_serve(struct request *r, const struct listener *l, const uint8_t *packet, size_t len);
/* Most octets that the answer may take on its transport: what the client allows, and what a message or a
 * datagram holds. */
size_t request_max_size(const struct request *r);

/* worker_tenancy.c */
struct tenancy *worker_tenancy(struct worker *w, const struct config *c);
/* Says that nothing waits in it any more. Where it is retired it is freed from the event loop and not here:
 * the caller may stand in the middle of one of its stages. */
void worker_tenancy_idle(struct worker *w, const struct tenancy *t);
/* Frees those that are retired and in which nothing waits. Only from the event loop. */
void worker_free_idle(struct worker *w);

#endif
