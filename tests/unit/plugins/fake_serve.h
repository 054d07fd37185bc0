/*
 * The server around a plugin, for tests with packets in memory: a worker and the control thread that do
 * nothing of their own. Included by one file of a test program; what it defines takes the place of
 * serve/worker.c, request.c, control.c and server.c at link time.
 */
#ifndef SEAMARK_TESTS_FAKE_SERVE_H
#define SEAMARK_TESTS_FAKE_SERVE_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "serve/config.h"
#include "serve/control.h"
#include "serve/plugin.h"
#include "serve/worker.h"

/* ---- a worker ---- */

struct worker {
    struct event_base *base;
    uint64_t random;
    void (*due)(void *ctx);
    void *due_ctx;
    bool full; /* worker_defer fails */
};
static struct worker fake_worker = {.random = 88172645463325252u};

unsigned worker_index(const struct worker *w)
{
    (void)w;
    return 0;
}

unsigned worker_count(void)
{
    return 1;
}

struct event_base *worker_base(const struct worker *w)
{
    return w->base;
}

struct worker *worker_self(void)
{
    return &fake_worker;
}

uint64_t worker_random(struct worker *w)
{
    uint64_t x = w->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return w->random = x;
}

int worker_defer(struct worker *w, void (*fn)(void *ctx), void *ctx)
{
    if (w->full)
        return ERR_LIMIT;
    w->due = fn;
    w->due_ctx = ctx;
    return ERR_OK;
}

static inline void fake_run_due(void)
{
    void (*fn)(void *) = fake_worker.due;
    fake_worker.due = NULL;
    if (fn != NULL)
        fn(fake_worker.due_ctx);
}

/* ---- the control thread ---- */

static struct {
    struct event_base *base;
    bool draining;
    int64_t lameduck_ms;
    const char *path;
    uint64_t hash;
    int (*reload)(struct errtext *e);
    unsigned reloads;
} fake_control;

struct event_base *control_base(void)
{
    return fake_control.base;
}

bool control_draining(void)
{
    return fake_control.draining;
}

int control_reload(struct errtext *e)
{
    fake_control.reloads++;
    return fake_control.reload == NULL ? ERR_OK : fake_control.reload(e);
}

const char *control_corefile_path(void)
{
    return fake_control.path;
}

uint64_t control_corefile_hash(void)
{
    return fake_control.hash;
}

int control_post(void (*fn)(void *ctx), void *ctx)
{
    fn(ctx);
    return ERR_OK;
}

void control_set_lameduck(int64_t ms)
{
    fake_control.lameduck_ms = ms;
}

static inline void fake_run_loop(int ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_base_loopexit(fake_control.base, &tv);
    event_base_dispatch(fake_control.base);
}

char *address_text(const union address *a, char out[ADDRESS_TEXT_MAX])
{
    const void *octets =
        a->sa.sa_family == AF_INET6 ? (const void *)&a->in6.sin6_addr : (const void *)&a->in.sin_addr;
    inet_ntop(a->sa.sa_family, octets, out, ADDRESS_TEXT_MAX);
    return out;
}

union address request_local(const struct request *r)
{
    return r->local;
}

uint16_t address_port(const union address *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

/* ---- a plugin set up from text ---- */

struct fake_stage {
    struct corefile *corefile;
    struct config config;
    struct block block;
    void *state;
    struct errtext e;
    int ret;
};

/* Sets `p` up from the first such directive of `text`, a whole Corefile; what became of it is in ret and e.
 */
static inline struct fake_stage *fake_setup(const struct plugin *p, const char *text)
{
    struct fake_stage *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    f->ret = corefile_parse("Corefile", text, strlen(text), &f->corefile, &f->e);
    if (f->ret != ERR_OK) {
        fprintf(stderr, "test's own Corefile: %s\n", f->e.text);
        abort();
    }
    f->config = (struct config){.corefile = f->corefile, .blocks = &f->block, .nblocks = 1};
    f->block.source = &f->corefile->blocks[0];
    const struct directive *d = server_block_find(f->block.source, p->name);
    struct plugin_setup s = {
        .config = &f->config, .block = &f->block, .source = f->block.source, .corefile = f->corefile};
    f->ret = p->setup(&s, d, &f->state, &f->e);
    if (f->ret == ERR_OK)
        f->block.stages[f->block.nstages++] = (struct stage){.plugin = p, .state = f->state};
    return f;
}

static inline void fake_free(const struct plugin *p, struct fake_stage *f)
{
    if (f->ret == ERR_OK && p->free != NULL)
        p->free(f->state);
    corefile_free(f->corefile);
    free(f);
}

/* The error of a block of the plugin's, for tables of bad ones; "" where there is none. Valid until the next
 * call. */
static inline const char *fake_error(const struct plugin *p, const char *directive)
{
    static struct errtext kept;
    char text[4096];
    snprintf(text, sizeof text, "example.org {\n    %s\n}\n", directive);
    struct fake_stage *f = fake_setup(p, text);
    kept = f->e;
    if ((f->ret == ERR_OK) != (f->e.text[0] == '\0'))
        snprintf(kept.text, sizeof kept.text, "result %d and text '%.100s' disagree", f->ret, f->e.text);
    fake_free(p, f);
    return kept.text;
}

/* ---- requests ---- */

/* A question for name/type from 10.240.0.1:40212 by UDP, with its reply begun. One at a time. */
static inline struct request *fake_request(const char *name, uint16_t type)
{
    static struct request r;
    static struct reply reply;
    uint8_t wire[NAME_MAX_LEN];
    if (name_from_text(name, strlen(name), wire) < 0)
        abort();
    r = (struct request){.worker = &fake_worker, .reply = &reply, .received_ns = clock_ns()};
    r.asked = &r.q;
    query_make(&r.q, wire, type);
    r.q.size = (uint16_t)(DNS_HEADER_LEN + r.q.qname_len + 4);
    r.client.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(40212)};
    r.local.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(53)};
    inet_pton(AF_INET, "10.240.0.1", &r.client.in.sin_addr);
    inet_pton(AF_INET, "10.96.0.10", &r.local.in.sin_addr);
    reply_begin(&reply, &r.q);
    return &r;
}

static inline void fake_from_six(struct request *r)
{
    r->client.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(40212)};
    inet_pton(AF_INET6, "2001:db8::1", &r->client.in6.sin6_addr);
}

/* Adds a record given as a line of a master file. */
static inline void fake_add(struct request *r, enum reply_section s, const char *line)
{
    static struct rr_storage storage;
    struct rr rr;
    if (rr_from_text(line, strlen(line), &storage, &rr) != ERR_OK)
        abort();
    reply_add(r->reply, s, &rr);
}

/* Record `i` of the reply as a line. Valid until the eighth call after. */
static inline const char *fake_record(const struct request *r, unsigned i)
{
    static struct bytes lines[8];
    static unsigned next;
    static uint8_t rdata[RDATA_MAX];
    struct bytes *line = &lines[next++ % 8];
    bytes_free(line);
    bytes_init(line, 70000);
    uint8_t owner[NAME_MAX_LEN];
    const struct reply *p = r->reply;
    if (i >= p->nrecords)
        return "none";
    reply_owner(p, i, owner);
    int len = rdata_unpack(p->wire, p->len, p->rr[i].rdata, reply_rdlen(p, i), p->rr[i].type, rdata);
    struct rr rr = {.owner = owner,
                    .type = p->rr[i].type,
                    .class = wire_u16(p->wire + p->rr[i].rdata - 8),
                    .ttl = reply_ttl(p, i),
                    .rdlen = (uint16_t)len,
                    .rdata = rdata};
    rr_to_text(&rr, line);
    for (char *c = line->data; c != NULL && *c != '\0'; c++)
        if (*c == '\t')
            *c = ' ';
    return line->data;
}

#endif
