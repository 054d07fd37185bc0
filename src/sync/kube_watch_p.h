/*
 * Private to kube_watch, which is three files:
 *
 * - kube_watch.c: the client of one API server. What all kinds share: credentials, connections, the
 *   gate, whose turn it is, log lines about the server.
 * - kube_follow.c: a follower a kind, the state machine that lists and watches: what it asks for, and
 *   what it does when a request has ended. It never waits itself, but says from when on it is ready
 *   again.
 * - kube_take.c: what comes in meanwhile, item by item, and what the sink hears of it.
 *
 * A follower has at most one request under way. Its state says what for:
 *
 * RESTING: No request. `next` says what the next will ask for and `ready_ms` from when on; the gate may make
 * it wait longer. All other states come back here when their request ends, be it for no time at all.
 *
 * STREAMING: A streaming list: a watch that begins with all objects that there are. list_begin was told when
 * the server accepted it; events are objects of the list, until a bookmark says that this was all.
 *
 * PAGING: A page of a list is being read. list_begin was told with the first one.
 *
 * WATCHING: A watch from `version` on; events are changes.
 *
 *              ┌──────────────────────────────────────────────────────────────────────┐
 *              │                             RESTING                                  │
 *              └──────────────────────────────────────────────────────────────────────┘
 *               │ start()  ^              │ start()  ^            │ start()  ^
 *               │ LIST     │ ended():     │ LIST,    │ ended():   │ WATCH    │ ended():
 *               v          │ LIST         v PAGE     │ PAGE,WATCH v          │ WATCH, LIST
 *              ┌─────────────┐           ┌─────────────┐         ┌─────────────┐
 *              │  STREAMING  │           │   PAGING    │         │  WATCHING   │
 *              └─────────────┘           └─────────────┘         └─────────────┘
 *                     │                                                 ^
 *                     └─────────────────────────────────────────────────┘
 *                       take_bookmark(): all there is has come, list_end
 *
 * start() is kube_follow_start(); of LIST it makes STREAMING, unless the server is known not to offer it. How
 * requests end, and what comes next:
 *
 * - STREAMING, stream_ended(): LIST; in pages from then on where the server refused to stream or did
 *   not come to the end of its list.
 *
 * - PAGING, page_done(): PAGE at once where there is a continue token; else list_end, and WATCH at
 *   once. page_ended(): the same page where the connection was lost; LIST where the answer was no list.
 *
 * - WATCHING, watch_ended(): WATCH, at once where its time was up or it was silent for too long; LIST
 *   where three in a row could not be read.
 *
 * - Any, expired(): LIST, at once the first time, where the server says 410, or that the version is
 *   ahead of its own. refused(): another HTTP status; the same again, or LIST where the server did not
 *   like what was asked. failed(), part of all that went wrong, says when to ask again (kube_gate.h).
 */
#ifndef SEAMARK_SYNC_KUBE_WATCH_P_H
#define SEAMARK_SYNC_KUBE_WATCH_P_H

#include "sync/kube_gate.h"
#include "sync/kube_http.h"
#include "sync/kube_log.h"
#include "sync/kube_pace.h"
#include "sync/kube_stream.h"
#include "sync/kube_watch.h"

struct event;
struct json_object;

/* Resource versions are numbers of at most 20 digits; the API calls them opaque. */
#define KUBE_VERSION_MAX 128
/* Pages of one list: 50 million objects. A server that always has one more page is not listened to. */
#define KUBE_PAGES_MAX 100000
/* What fails this often without a step forward is not tried another time the same way: a streaming list
 * becomes one in pages, a watch a list. */
#define KUBE_TRIES_MAX 3

enum follow_state { FOLLOW_RESTING, FOLLOW_STREAMING, FOLLOW_PAGING, FOLLOW_WATCHING };
enum follow_next { NEXT_LIST, NEXT_PAGE, NEXT_WATCH };

struct kube_follow {
    struct kube_watch *watch;
    enum kube_kind kind;
    char *select; /* the end of every path: "" or kube_select_query() */
    enum follow_state state;
    enum follow_next next;
    uint64_t ready_ms;

    const char *verb; /* of the request under way: what RBAC must allow */
    struct kube_get *get;
    struct kube_stream *stream;
    bool accepted;        /* the server has said 200 to the request under way */
    uint64_t accepted_ms; /* when */
    bool progressed;      /* and an event or a bookmark has come */
    int ended_by; /* why our side ended it (an ERROR event, brackets out of order), in words in `why` */
    struct errtext why;

    char version[KUBE_VERSION_MAX]; /* NEXT_WATCH, WATCHING: all up to it has been told to the sink */
    char *token;                    /* NEXT_PAGE: the continue token */
    unsigned pages;                 /* of the list under way */
    uint64_t items;                 /* of the list under way */
    bool whole;        /* the next list is asked for in one answer: a continue token has expired on the way */
    bool fresh;        /* the next request takes a new connection: the last one got no answer on the old */
    unsigned expiries; /* versions and tokens that were gone, since a watch last went well */
    unsigned tries;    /* streaming lists, or watches of one version, that failed in a row once accepted */

    struct kube_log log; /* what was said about this kind */
    struct kube_watch_status status;
    char trouble[256];
};

struct kube_watch {
    struct event_base *base;
    const struct kubernetes_block *block;
    struct kube_sink sink;
    struct kube_timing timing;
    struct kube_auth auth;
    struct kube_http *http;
    struct kube_gate gate;
    struct kube_pace pace;
    struct event *wake;             /* fires when a follower may start */
    bool streams;                   /* streaming lists are worth a try */
    char cluster[KUBE_VERSION_MAX]; /* UID of kube-system; "" not yet known */
    uint64_t away_ms;               /* since when the server gives no good answer; 0: it does */
    bool said_away;                 /* and the log says so */
    struct kube_log log;            /* what was said about the server */
    struct kube_follow kinds[KUBE_KINDS];
};

/* kube_follow.c */
void kube_follow_start(struct kube_follow *f); /* RESTING and its turn: sends the request for what is next */
void kube_follow_stop(struct kube_follow *f);

/* kube_take.c: what is received, told to the sink. The last three are called by the kube_stream. */
void kube_take_list_begin(struct kube_follow *f);
bool kube_take_list_end(struct kube_follow *f, const char *version); /* false: that is no resource version */
int kube_take_item(void *follow, struct json_object *item);          /* of a list in pages */
int kube_take_event(void *follow, struct json_object *event);        /* of a watch or a streaming list */
void kube_take_bad(void *follow, const char *why);

/* kube_watch.c, for kube_follow.c. All may be called from within callbacks of kube_http. */
uint64_t kube_watch_now(void);
uint32_t kube_watch_random(void);
void kube_watch_wake_soon(struct kube_watch *w);
void kube_watch_server_good(struct kube_watch *w);
/* `cause` (kube_log.h) and `why` for the log. */
void kube_watch_server_bad(struct kube_watch *w, const struct kube_follow *f, enum kube_trouble trouble,
                           int cause, uint32_t retry_after_s, const char *why);
void kube_watch_saw_cluster(struct kube_watch *w, const char *uid);
/* The server does not accept what it was shown (401): reads the credentials again. */
void kube_watch_renew(struct kube_watch *w);

#endif
