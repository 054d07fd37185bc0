/*
 * A query on its way through the chain. One worker thread owns it from the socket to the answer.
 *
 * The reply is the worker's scratch memory: it is there while the chain runs and not while the request waits.
 */
#ifndef SEAMARK_SERVE_REQUEST_H
#define SEAMARK_SERVE_REQUEST_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "dns/query.h"
#include "dns/reply.h"

struct worker;
struct route;
struct config;
struct request;

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_INTERNAL };

union address {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* Questions that the server asks itself (an ExternalName's target) may ask again; this deep and no deeper. */
#define REQUEST_DEPTH_MAX 4

/* What a stage remembers of a request until its end, also while it waits. First member of the stage's own
 * struct. */
struct request_note {
    struct request_note *next;
    const void *owner;                       /* the stage's state: whose note it is */
    void (*free)(struct request_note *note); /* when the request ends */
};

/* Called once when the answer is ready (reply->len octets, finished for a client, not finished for an
 * internal request) or, with r->reply NULL, when there will be none (dropped). The request is released by the
 * caller afterwards. */
typedef void request_done(struct request *r);

struct request {
    struct query q; /* the question as stages below see it: rewrite changes it */
    const struct query
        *asked;          /* the question as it came in: q, or what a stage that changed q has kept of it */
    struct reply *reply; /* worker's scratch; NULL while the request waits */
    struct worker *worker;
    struct config *config;     /* the generation it runs in; a reference is held while it waits */
    const struct route *route; /* server, zone and chain that were chosen for it; NULL before routing */
    enum transport transport;
    union address client;
    union address local;
    uint64_t received_ns;       /* clock_ns() */
    uint64_t answered_ns;       /* the same when its answer went up, where a stage has looked; else 0 */
    uint8_t depth;              /* 0 from a client; more for internal ones */
    uint8_t stage;              /* stage that has it, or waits, or answered */
    uint8_t floor;              /* the first stage that takes part: above 0 for request_ask_below() */
    bool answered;              /* the reply is the answer, on its way up the chain */
    bool hold;                  /* request_hold() was called */
    uint8_t held;               /* the stage that holds the answer, counted from 1; 0: none */
    bool shuffle;               /* loadbalance: addresses of the answer are put in random order */
    uint16_t max_udp;           /* bufsize: the most a UDP answer may take; 0 no such limit */
    void *waiting;              /* of the stage that returned VERDICT_PENDING */
    struct request_note *notes; /* what stages remember of it */
    const char *error_text;     /* why the answer is SERVFAIL, for the errors plugin; static or kept until the
                                   answer is out */
    bool disguised; /* a failure was given another rcode (rewrite): the errors plugin tells of it all the same
                     */
    bool whole;     /* what an upstream cuts is fetched over TCP: there is no client that would ask so */
    bool personal; /* it is about this client, or its EDNS options went upstream: no cache keeps the answer */
    bool parked;   /* it has waited: it counts among those that keep its configuration in the worker */
    request_done *done;
    request_done *asker; /* of an internal request: what `done` calls */
    void *origin;        /* of `done`: the TCP connection, the asker of an internal request */
};

/* ---- for plugins ---- */

/* Goes on with a request that a stage had made wait. The stage first calls request_reply() and fills it
 * (VERDICT_ANSWERED), or goes on with the stages below (VERDICT_NEXT), or gives up (VERDICT_DROP). Only from
 * the worker's event loop, never from within a stage's query() or answer() of any request: use worker_defer()
 * there. */
enum verdict;
void request_resume(struct request *r, int verdict);

/* Called by a stage within answer(): the answer waits here and does not go up. The stage keeps what it needs
 * of r->reply, which is gone until it calls request_reply(), fills it anew, and request_resume(r,
 * VERDICT_ANSWERED): then the answer goes on with the stage above. */
void request_hold(struct request *r);

/* The reply to fill for a request that waited: begun for its query. */
struct reply *request_reply(struct request *r);

/* Asks the server itself (all blocks and plugins of the listener that `parent` came by) for name/qtype.
 * `done` gets the internal request with its unfinished reply, later, from the event loop; ctx is in ->origin.
 * ERR_LIMIT where the depth or the worker's number of requests does not allow it. */
int request_ask_self(struct request *parent, const uint8_t *name, uint16_t qtype, request_done *done,
                     void *ctx);

/* Asks the stages below the one that has `parent`, in the same block, for name/qtype in the way the client
 * asked (class, flags, EDNS): how the answer would be if that had been the question. Else as
 * request_ask_self(): the inner request's answer walks up to the stage below the asking one, so nobody above
 * counts or logs it. */
int request_ask_below(struct request *parent, const uint8_t *name, uint16_t qtype, request_done *done,
                      void *ctx);

/* Asks the stages below the one that has `parent` for the parent's own question once more, without it: the
 * parent may end before the answer is there. Else as request_ask_below(). */
int request_ask_again(const struct request *parent, request_done *done, void *ctx);

/* Keeps a note (owner and free are set by the caller) until the request ends; then note->free() is called. */
void request_keep(struct request *r, struct request_note *note);
/* Takes over the notes of an inner request whose answer becomes that of `r`. */
void request_adopt(struct request *r, struct request *inner);
/* The note of that owner, the latest; NULL where there is none. */
struct request_note *request_note_of(const struct request *r, const void *owner);

/* The server's own address and port that the client asked. r->local alone is without a port, and empty where
 * the socket has one address only: then it is the listener's. */
union address request_local(const struct request *r);

/* Client's address as "10.1.2.3" / "2001:db8::1", its port. */
#define ADDRESS_TEXT_MAX 64
char *address_text(const union address *a, char out[ADDRESS_TEXT_MAX]);
uint16_t address_port(const union address *a);

#endif
