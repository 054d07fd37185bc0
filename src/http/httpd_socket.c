#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http/httpd_p.h"

#define BACKLOG                                                                                              \
    512 /* connections that the kernel keeps while the control thread is busy: a burst must not lose probes  \
         */

struct host_port {
    char host[256]; /* "" for all addresses */
    char port[32];
};

/* Splits as Go's net.SplitHostPort does, which CoreDNS uses: an IPv6 address stands in brackets, a port is
 * required. */
static int split(const char *address, struct host_port *out, struct errtext *e)
{
    const char *host = address;
    const char *colon = strrchr(address, ':');
    if (colon == NULL)
        return errtext_set(e, ERR_MALFORMED, "address %s: missing port in address", address);
    size_t host_len = (size_t)(colon - host);
    if (host[0] == '[') {
        if (colon == host || colon[-1] != ']')
            return errtext_set(e, ERR_MALFORMED, "address %s: missing ']' or port in address", address);
        host++;
        host_len -= 2;
    } else if (memchr(host, ':', host_len) != NULL) {
        return errtext_set(e, ERR_MALFORMED, "address %s: too many colons in address", address);
    }
    if (host_len >= sizeof out->host || strlen(colon + 1) >= sizeof out->port)
        return errtext_set(e, ERR_MALFORMED, "address %s: too long", address);
    unsigned long port = 0;
    for (const char *p = colon + 1; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || (port = port * 10 + (unsigned long)(*p - '0')) > 65535)
            return errtext_set(e, ERR_MALFORMED, "address %s: expected a port from 0 to 65535", address);
    }
    memcpy(out->host, host, host_len);
    out->host[host_len] = '\0';
    snprintf(out->port, sizeof out->port, "%lu", port);
    return ERR_OK;
}

int httpd_check_address(const char *address, struct errtext *e)
{
    struct host_port hp;
    return split(address, &hp, e);
}

static int open_socket(const struct sockaddr *sa, socklen_t len)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (sa->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, sa, len) < 0 || listen(fd, BACKLOG) < 0) {
        int ret = -errno;
        close(fd);
        return ret;
    }
    return fd;
}

/* All addresses: one IPv6 socket for both families, or IPv4 where the host has no IPv6. */
static int listen_everywhere(const struct host_port *hp)
{
    unsigned port = 0;
    sscanf(hp->port, "%u", &port);
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = in6addr_any};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = open_socket((const struct sockaddr *)&six, sizeof six);
    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        fd = open_socket((const struct sockaddr *)&four, sizeof four);
    return fd;
}

int httpd_listen(const char *address, struct errtext *e)
{
    struct host_port hp;
    int fd = split(address, &hp, e);
    if (fd != ERR_OK)
        return fd;
    if (hp.host[0] == '\0') {
        fd = listen_everywhere(&hp);
        return fd >= 0 ? fd : errtext_set(e, fd, "cannot listen on %s (%s)", address, strerror(-fd));
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    int failed = getaddrinfo(hp.host, hp.port, &hints, &found);
    if (failed != 0)
        return errtext_set(e, -EADDRNOTAVAIL, "cannot listen on %s (%s)", address, gai_strerror(failed));
    const struct addrinfo *chosen = found;
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next)
        if (a->ai_family == AF_INET) { /* of a name with both families Go listens on IPv4 */
            chosen = a;
            break;
        }
    fd = open_socket(chosen->ai_addr, chosen->ai_addrlen);
    freeaddrinfo(found);
    return fd >= 0 ? fd : errtext_set(e, fd, "cannot listen on %s (%s)", address, strerror(-fd));
}
