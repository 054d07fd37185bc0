#include "upstream/upstream_lookup.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/query.h"
#include "dns/rr.h"
#include "exchange/upstream_address.h"
#include "upstream/upstream_answer.h"

#define FOUND_MAX     32 /* addresses of one name; CoreDNS's limit of upstreams is below it */
#define SENDS         3
#define SEND_EVERY_MS 600
#define PACKET_MAX    300 /* a question with the longest name */
#define MESSAGE_MAX   4096

struct upstream_lookup {
    char *host;
    struct upstream_resolvers resolvers;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int references; /* under the lock: the owner's and the thread's */
    bool ended;     /* under the lock; the rest below is the thread's until then */
    union address found[FOUND_MAX];
    unsigned count;
    const char *why;
};

static void unref(struct upstream_lookup *l)
{
    pthread_mutex_lock(&l->lock);
    bool last = --l->references == 0;
    pthread_mutex_unlock(&l->lock);
    if (!last)
        return;
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l->host);
    free(l);
}

/* ---- the system's resolver ---- */

static void ask_system(struct upstream_lookup *l)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    int ret = getaddrinfo(l->host, NULL, &hints, &list);
    if (ret != 0) {
        l->why = gai_strerror(ret);
        return;
    }
    for (const struct addrinfo *a = list; a != NULL && l->count < FOUND_MAX; a = a->ai_next)
        if ((a->ai_family == AF_INET || a->ai_family == AF_INET6) && a->ai_addrlen <= sizeof(union address))
            memcpy(&l->found[l->count++], a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
}

/* ---- resolvers of our own choice ---- */

struct question { /* A or AAAA, to one resolver */
    uint16_t type;
    uint16_t id;
    bool answered;
    struct query query;
    uint8_t packet[PACKET_MAX];
    int len;
};

static int make_question(struct question *q, const uint8_t *name, uint16_t type)
{
    q->type = type;
    q->answered = false;
    query_make(&q->query, name, type);
    if (getrandom(&q->id, sizeof q->id, 0) != sizeof q->id)
        return -EIO;
    q->query.id = q->id;
    q->len = query_write(&q->query, q->packet, sizeof q->packet);
    return q->len < 0 ? q->len : ERR_OK;
}

static void take_message(struct upstream_lookup *l, struct question *questions, const uint8_t *m, size_t len)
{
    for (unsigned i = 0; i < 2; i++) {
        struct question *q = &questions[i];
        if (q->answered || len < DNS_HEADER_LEN || wire_u16(m) != q->id ||
            !upstream_answer_is_to(&q->query, m, len))
            continue;
        q->answered = true;
        l->count += upstream_answer_addresses(m, len, q->type, l->found + l->count, FOUND_MAX - l->count);
        return;
    }
}

/* -errno where nobody listens there. */
static int receive(struct upstream_lookup *l, int fd, struct question *questions, uint64_t until_ms)
{
    uint8_t message[MESSAGE_MAX];
    while (!questions[0].answered || !questions[1].answered) {
        uint64_t now = clock_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (now >= until_ms || poll(&p, 1, (int)(until_ms - now)) == 0)
            break;
        ssize_t n = recv(fd, message, sizeof message, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n > 0)
            take_message(l, questions, message, (size_t)n);
    }
    return ERR_OK;
}

static int ask_resolver(struct upstream_lookup *l, const union address *to, const uint8_t *name)
{
    static const uint16_t types[2] = {RR_A, RR_AAAA};
    struct question questions[2];
    socklen_t len = to->sa.sa_family == AF_INET6 ? sizeof to->in6 : sizeof to->in;
    for (unsigned i = 0; i < 2; i++)
        if (make_question(&questions[i], name, types[i]) != ERR_OK)
            return -EIO;
    int fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int ret = connect(fd, &to->sa, len) == 0 ? ERR_OK : -errno;
    uint64_t end = clock_ms() + LOOKUP_TIMEOUT_MS;
    for (unsigned i = 0; ret == ERR_OK && i < SENDS; i++) {
        for (unsigned k = 0; k < 2 && ret == ERR_OK; k++)
            if (!questions[k].answered &&
                send(fd, questions[k].packet, (size_t)questions[k].len, MSG_NOSIGNAL) < 0)
                ret = -errno;
        if (ret == ERR_OK)
            ret = receive(l, fd, questions, i + 1 < SENDS ? clock_ms() + SEND_EVERY_MS : end);
    }
    close(fd);
    return ret == ERR_OK && !questions[0].answered && !questions[1].answered ? -ETIMEDOUT : ret;
}

static void ask_resolvers(struct upstream_lookup *l)
{
    uint8_t name[NAME_MAX_LEN];
    if (name_from_text(l->host, strlen(l->host), name) < 0)
        return;
    for (unsigned i = 0; i < l->resolvers.count && l->count == 0; i++) {
        int ret = ask_resolver(l, &l->resolvers.list[i], name);
        l->why = ret == ERR_OK ? "it has no address" : err_text(ret);
    }
}

/* ---- the thread ---- */

static void *lookup_main(void *ctx)
{
    struct upstream_lookup *l = ctx;
    l->why = "it has no address";
    if (l->resolvers.count > 0)
        ask_resolvers(l);
    else
        ask_system(l);
    pthread_mutex_lock(&l->lock);
    l->ended = true;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
    unref(l);
    return NULL;
}

/* Detached, and without signals: those are the control thread's. */
static int start_thread(struct upstream_lookup *l)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int ret = pthread_create(&thread, NULL, lookup_main, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ret == 0)
        pthread_detach(thread);
    return -ret;
}

bool upstream_lookup_is_host(const char *host)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    uint8_t name[NAME_MAX_LEN];
    union address a;
    return host[strspn(host, letters)] == '\0' && name_from_text(host, strlen(host), name) >= 0 &&
           upstream_address_parse(host, &a) != ERR_OK;
}

int upstream_lookup_start(const char *host, const struct upstream_resolvers *resolvers,
                          struct upstream_lookup **out)
{
    struct upstream_lookup *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    l->references = 2;
    l->resolvers = *resolvers;
    l->host = strdup(host);
    int ret = l->host == NULL ? -ENOMEM : start_thread(l);
    if (ret != ERR_OK) {
        l->references = 1;
        unref(l);
        return ret;
    }
    *out = l;
    return ERR_OK;
}

bool upstream_lookup_ended(struct upstream_lookup *l)
{
    return upstream_lookup_wait(l, 0);
}

bool upstream_lookup_wait(struct upstream_lookup *l, unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&l->lock);
    while (!l->ended && ms > 0 && pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0)
        ;
    bool ended = l->ended;
    pthread_mutex_unlock(&l->lock);
    return ended;
}

static int compare(const void *x, const void *y)
{
    const union address *a = x, *b = y;
    if (a->sa.sa_family != b->sa.sa_family)
        return a->sa.sa_family == AF_INET ? -1 : 1;
    return a->sa.sa_family == AF_INET ? memcmp(&a->in.sin_addr, &b->in.sin_addr, sizeof a->in.sin_addr)
                                      : memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr);
}

unsigned upstream_lookup_result(const struct upstream_lookup *l, uint16_t port, union address *out,
                                unsigned max, const char **why)
{
    union address sorted[FOUND_MAX];
    unsigned n = l->count < max ? l->count : max;
    *why = l->why;
    /* Servers rotate what they answer: that is no change. */
    memcpy(sorted, l->found, l->count * sizeof sorted[0]);
    qsort(sorted, l->count, sizeof sorted[0], compare);
    memcpy(out, sorted, n * sizeof out[0]);
    for (unsigned i = 0; i < n; i++) {
        if (out[i].sa.sa_family == AF_INET6)
            out[i].in6.sin6_port = htons(port);
        else
            out[i].in.sin_port = htons(port);
    }
    return n;
}

void upstream_lookup_free(struct upstream_lookup *l)
{
    if (l != NULL)
        unref(l);
}
