#include "transfer/notify_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rcu.h"
#include "dns/notify.h"
#include "metrics/metrics.h"
#include "serve/answer.h"
#include "serve/control.h"
#include "zone/zone_axfr.h"

/* RFC 1996 section 3.6 asks for 5 retries from 60 s on; over today's links a second is enough to begin with.
 * The waits double, so it is given up after half a minute. */
#define ATTEMPTS     5
#define WAIT_SECONDS 1
#define REST_SECONDS 60 /* after that, before another change is told */

enum state { PEER_IDLE, PEER_TOLD, PEER_RESTING };

struct notify_peer {
    uint8_t apex[NAME_MAX_LEN];
    char zone_text[NAME_MAX_TEXT];
    char to_text[ADDRESS_TEXT_MAX];
    union address to;
    union address source;
    const struct watched_zone *watched;
    void (*heard_cb)(void);
    enum state state;
    bool told; /* something was acknowledged or given up: `serial` */
    uint32_t serial;
    uint32_t telling; /* the serial in the message under way */
    uint16_t id;
    unsigned attempts; /* messages sent for want of an answer */
    int fd;            /* -1: nothing is under way */
    struct event *readable;
    struct event *timer;
    char why[96]; /* why the last message was not acknowledged */
    bool complained;
};

static const char *const results[] = {"acknowledged", "given_up"};
static const struct metric_desc notifies_desc = {
    .name = "seamark_transfer_notifies_total",
    .help = "Counter of changes told to other name servers by NOTIFY.",
    .type = METRIC_COUNTER};
static const struct metric *notifies;

void notify_peer_register(void)
{
    const struct metric_label labels[] = {LABEL_TABLE("result", results, 2)};
    notifies = metrics_register(&notifies_desc, labels, 1);
}

static void close_socket(struct notify_peer *p)
{
    if (p->readable != NULL)
        event_free(p->readable);
    if (p->fd >= 0)
        close(p->fd);
    p->readable = NULL;
    p->fd = -1;
}

static void wait_for(struct notify_peer *p, unsigned seconds)
{
    const struct timeval tv = {.tv_sec = (time_t)seconds};
    evtimer_add(p->timer, &tv);
}

static void why(struct notify_peer *p, const char *what, const char *detail)
{
    snprintf(p->why, sizeof p->why, "%s%s", what, detail);
}

/* ---- what comes back ---- */

static void rest(struct notify_peer *p, enum state state, unsigned result)
{
    close_socket(p);
    p->state = state;
    p->told = true;
    p->serial = p->telling;
    metrics_add(notifies, result, 1);
}

static void acknowledged(struct notify_peer *p)
{
    rest(p, PEER_IDLE, 0);
    evtimer_del(p->timer);
    if (p->complained)
        log_info("plugin/transfer: notify for zone \"%s\" was accepted by \"%s\" again", p->zone_text,
                 p->to_text);
    p->complained = false;
    log_debug("plugin/transfer: notify for zone \"%s\" was accepted by \"%s\" for %u SOA serial",
              p->zone_text, p->to_text, p->serial);
    p->heard_cb();
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct notify_peer *p = ctx;
    uint8_t answer[512];
    (void)what;
    ssize_t n = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            why(p, "", strerror(errno));
        return;
    }
    int rcode = notify_read_answer(answer, (size_t)n, p->id, p->apex);
    if (rcode == RCODE_NOERROR)
        acknowledged(p);
    else if (rcode > 0)
        why(p, "rcode was ", rcode_name((uint16_t)rcode));
}

/* ---- telling ---- */

static int open_socket(struct notify_peer *p)
{
    bool six = p->to.sa.sa_family == AF_INET6;
    socklen_t len = six ? sizeof p->to.in6 : sizeof p->to.in;
    p->fd = socket(p->to.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || (p->source.sa.sa_family != AF_UNSPEC && bind(p->fd, &p->source.sa, len) < 0) ||
        connect(p->fd, &p->to.sa, len) < 0)
        return -errno;
    p->readable = event_new(control_base(), p->fd, EV_READ | EV_PERSIST, on_readable, p);
    return p->readable == NULL || event_add(p->readable, NULL) < 0 ? -ENOMEM : ERR_OK;
}

/* Writes the message of this moment; 0 where there is no zone. */
static size_t write_message(struct notify_peer *p, uint8_t message[NOTIFY_MAX])
{
    size_t len = 0;
    rcu_reader_begin();
    const struct zone *zone = p->watched == NULL ? NULL : watched_zone_read(p->watched);
    if (zone != NULL) {
        struct rr soa;
        uint8_t rdata[SOA_RDATA_MAX];
        const struct zone_version *v = zone_current(zone);
        p->telling = zone_serial(v);
        zone_soa_at(v, p->telling, &soa, rdata);
        len = notify_write(p->id, &soa, message, NOTIFY_MAX);
    }
    rcu_reader_end();
    return len;
}

static void tell(struct notify_peer *p)
{
    uint8_t message[NOTIFY_MAX];
    int ret = p->fd < 0 ? open_socket(p) : ERR_OK;
    if (getrandom(&p->id, sizeof p->id, 0) != sizeof p->id)
        p->id++;
    size_t len = write_message(p, message);
    if (len == 0) {
        close_socket(p);
        p->state = PEER_IDLE;
        return;
    }
    if (ret == ERR_OK && send(p->fd, message, len, 0) < 0)
        ret = -errno;
    if (ret != ERR_OK) {
        why(p, "", err_text(ret));
        close_socket(p);
    } else if (p->attempts == 0) {
        why(p, "no answer", "");
    }
    p->state = PEER_TOLD;
    wait_for(p, WAIT_SECONDS << p->attempts++);
}

static void give_up(struct notify_peer *p)
{
    if (!p->complained)
        log_warning("plugin/transfer: notify for zone \"%s\" was not accepted by \"%s\": %s", p->zone_text,
                    p->to_text, p->why);
    p->complained = true;
    rest(p, PEER_RESTING, 1);
    wait_for(p, REST_SECONDS);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct notify_peer *p = ctx;
    (void)fd, (void)what;
    if (p->state == PEER_TOLD && p->attempts < ATTEMPTS) {
        tell(p);
    } else if (p->state == PEER_TOLD) {
        give_up(p);
    } else {
        p->state = PEER_IDLE;
        notify_peer_look(p);
    }
}

void notify_peer_look(struct notify_peer *p)
{
    if (p->state != PEER_IDLE || p->watched == NULL)
        return;
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(p->watched);
    uint32_t serial = zone == NULL ? 0 : zone_serial(zone_current(zone));
    rcu_reader_end();
    if (zone == NULL || (p->told && p->serial == serial))
        return;
    p->attempts = 0;
    tell(p);
}

/* ---- life ---- */

void notify_peer_watch(struct notify_peer *p, const struct watched_zone *watched)
{
    p->watched = watched;
}

static bool same_family(const union address *source, const union address *to)
{
    return source->sa.sa_family == to->sa.sa_family;
}

bool notify_peer_is(const struct notify_peer *p, const uint8_t *apex, const union address *to,
                    const union address *source)
{
    static const union address none;
    return name_equal(p->apex, apex) && memcmp(&p->to, to, sizeof *to) == 0 &&
           memcmp(&p->source, same_family(source, to) ? source : &none, sizeof none) == 0;
}

struct notify_peer *notify_peer_new(const uint8_t *apex, const union address *to, const union address *source,
                                    void (*heard)(void))
{
    struct notify_peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->fd = -1;
    p->timer = evtimer_new(control_base(), on_timer, p);
    if (p->timer == NULL) {
        free(p);
        return NULL;
    }
    name_lower(p->apex, apex);
    name_to_text(p->apex, p->zone_text);
    p->to = *to;
    char host[ADDRESS_TEXT_MAX];
    snprintf(p->to_text, sizeof p->to_text, to->sa.sa_family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u",
             address_text(to, host), address_port(to));
    if (same_family(source, to))
        p->source = *source;
    p->heard_cb = heard;
    return p;
}

void notify_peer_free(struct notify_peer *p)
{
    close_socket(p);
    event_free(p->timer);
    free(p);
}
