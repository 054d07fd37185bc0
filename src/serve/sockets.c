#include "serve/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* Default receive buffers lose packets under 200 outstanding questions; 4 MiB holds some 5,000. */
#define UDP_RECEIVE_BUFFER (4 << 20)
#define TCP_BACKLOG        1024
/* The kernel lets the buffers of a connection grow to megabytes, which count against a container's memory. An
 * answer has 64 KiB at the most, and the next may wait with us. (The kernel takes it twice, for its own
 * needs.) */
#define TCP_BUFFER (64 << 10)

static LIST_HEAD(, socket_set) sets = LIST_HEAD_INITIALIZER(sets);

struct socket_set *sockets_find(const char *address, uint16_t port)
{
    struct socket_set *s;
    LIST_FOREACH(s, &sets, link)
    if (s->port == port && strcmp(s->address, address) == 0)
        return s;
    return NULL;
}

/* "" and "::" stand for all addresses of both families, "0.0.0.0" for all of IPv4. */
static bool is_dual_stack(const char *address)
{
    return address[0] == '\0' || strcmp(address, "::") == 0;
}

/* Splits "fe80::1%eth0"; the wildcard is IPv6 with IPv4 mapped where the machine has IPv6 (`v6`). */
static int socket_address(const char *address, uint16_t port, bool v6, union address *out, socklen_t *len)
{
    memset(out, 0, sizeof *out);
    char text[ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "%s", address[0] != '\0' ? address : v6 ? "::" : "0.0.0.0");
    char *scope = strchr(text, '%');
    if (scope != NULL)
        *scope++ = '\0';
    if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(port);
        *len = sizeof out->in;
        return ERR_OK;
    }
    if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) != 1)
        return ERR_MALFORMED;
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons(port);
    out->in6.sin6_scope_id = scope == NULL ? 0 : if_nametoindex(scope);
    *len = sizeof out->in6;
    return ERR_OK;
}

static void set_udp_options(int fd, int family, bool wildcard)
{
    int on = 1, buffer = UDP_RECEIVE_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer); /* as much as is allowed */
    if (wildcard) {
        if (family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
        else
            setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    }
}

static int open_socket(const struct socket_set *s, int type, bool v6, int *out)
{
    union address a;
    socklen_t len;
    if (socket_address(s->address, s->port, v6, &a, &len) != ERR_OK)
        return -EINVAL;
    int fd = socket(a.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1, off = 0, buffer = TCP_BUFFER;
    int ret = ERR_OK;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        ret = -errno;
    if (type == SOCK_STREAM) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer); /* connections inherit it */
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    } else {
        set_udp_options(fd, a.sa.sa_family, s->wildcard);
    }
    if (a.sa.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_dual_stack(s->address) ? &off : &on, sizeof on);
    if (ret == ERR_OK && bind(fd, &a.sa, len) < 0)
        ret = -errno;
    if (ret == ERR_OK && type == SOCK_STREAM && listen(fd, TCP_BACKLOG) < 0)
        ret = -errno;
    if (ret != ERR_OK) {
        close(fd);
        return ret;
    }
    *out = fd;
    return ERR_OK;
}

/* SO_REUSEPORT would let a second server of the same user share the port in silence: ask for it alone once,
 * first. */
static int check_free(const struct socket_set *s, bool v6)
{
    union address a;
    socklen_t len;
    if (socket_address(s->address, s->port, v6, &a, &len) != ERR_OK)
        return -EINVAL;
    int fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int v6only = !is_dual_stack(s->address);
    if (a.sa.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
    int ret = bind(fd, &a.sa, len) < 0 ? -errno : ERR_OK;
    close(fd);
    return ret;
}

static void close_set(struct socket_set *s)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        if (s->udp[i] >= 0)
            close(s->udp[i]);
        if (s->tcp[i] >= 0)
            close(s->tcp[i]);
    }
    LIST_REMOVE(s, link);
    free(s);
}

/* Whether another set has the port: a reload may go from all addresses to one, or back, and both are open
 * until the workers have changed over. */
static bool port_is_ours(const struct socket_set *s)
{
    const struct socket_set *other;
    LIST_FOREACH(other, &sets, link)
    if (other != s && other->port == s->port)
        return true;
    return false;
}

static int open_all(struct socket_set *s, bool v6)
{
    int ret = port_is_ours(s) ? ERR_OK : check_free(s, v6);
    for (unsigned i = 0; ret == ERR_OK && i < worker_count(); i++) {
        ret = open_socket(s, SOCK_DGRAM, v6, &s->udp[i]);
        if (ret == ERR_OK)
            ret = open_socket(s, SOCK_STREAM, v6, &s->tcp[i]);
    }
    return ret;
}

static int open_set(const struct listener *l, struct errtext *e)
{
    struct socket_set *s = malloc(sizeof *s);
    if (s == NULL)
        return errtext_set(e, -ENOMEM, "listen: no memory");
    *s = (struct socket_set){.port = l->port,
                             .wildcard = is_dual_stack(l->address) || strcmp(l->address, "0.0.0.0") == 0};
    snprintf(s->address, sizeof s->address, "%s", l->address);
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        s->udp[i] = s->tcp[i] = -1;
    LIST_INSERT_HEAD(&sets, s, link);
    int ret = open_all(s, true);
    if (ret == -EAFNOSUPPORT && l->address[0] == '\0') /* a machine without IPv6 */
        ret = open_all(s, false);
    if (ret != ERR_OK) {
        close_set(s);
        return errtext_set(e, ret, "listen %s: %s", l->label, err_text(ret));
    }
    return ERR_OK;
}

static bool wanted_by(const struct config *c, const struct socket_set *s)
{
    for (size_t i = 0; c != NULL && i < c->nlisteners; i++)
        if (c->listeners[i].port == s->port && strcmp(c->listeners[i].address, s->address) == 0)
            return true;
    return false;
}

void sockets_keep(const struct config *c)
{
    struct socket_set *s = LIST_FIRST(&sets);
    while (s != NULL) {
        struct socket_set *next = LIST_NEXT(s, link);
        if (!wanted_by(c, s))
            close_set(s);
        s = next;
    }
}

int sockets_open(const struct config *c, struct errtext *e)
{
    struct socket_set *before = LIST_FIRST(&sets);
    for (size_t i = 0; i < c->nlisteners; i++) {
        const struct listener *l = &c->listeners[i];
        if (sockets_find(l->address, l->port) != NULL)
            continue;
        int ret = open_set(l, e);
        if (ret != ERR_OK) {
            while (LIST_FIRST(&sets) != before) /* new sets stand in front */
                close_set(LIST_FIRST(&sets));
            return ret;
        }
    }
    return ERR_OK;
}
