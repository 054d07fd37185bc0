#include "exchange/upstream_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int upstream_address_split(const char *text, char *host, size_t cap, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t len = strlen(text);
    bool bracketed = text[0] == '[';
    if (bracketed) {
        const char *end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return ERR_MALFORMED;
        colon = end[1] == ':' ? end + 1 : NULL;
        text++;
        len = (size_t)(end - text);
    } else if (colon != NULL && strchr(text, ':') == colon) {
        len = (size_t)(colon - text);
    } else {
        colon = NULL; /* several colons: an IPv6 address without a port */
    }
    if (len == 0 || len >= cap)
        return ERR_MALFORMED;
    memcpy(host, text, len);
    host[len] = '\0';
    if (colon == NULL)
        return ERR_OK;
    char *end;
    if (colon[1] < '0' || colon[1] > '9')
        return ERR_MALFORMED;
    unsigned long value = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || value == 0 || value > 65535)
        return ERR_MALFORMED;
    *port = (uint16_t)value;
    return ERR_OK;
}

/* The zone of a scoped address (RFC 4007): an interface's name or its number. */
static int read_scope(const char *text, uint32_t *out)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && number <= UINT32_MAX)
        *out = (uint32_t)number;
    else
        *out = if_nametoindex(text);
    return *out == 0 ? ERR_MALFORMED : ERR_OK;
}

int upstream_address_parse(const char *text, union address *out)
{
    return upstream_address_parse_port(text, UPSTREAM_PORT, out);
}

int upstream_address_parse_port(const char *text, uint16_t port, union address *out)
{
    char host[ADDRESS_TEXT_MAX];
    int ret = upstream_address_split(text, host, sizeof host, &port);
    if (ret != ERR_OK)
        return ret;
    union address a;
    memset(&a, 0, sizeof a);
    char *scope = strchr(host, '%');
    if (scope != NULL)
        *scope++ = '\0';
    if (inet_pton(AF_INET, host, &a.in.sin_addr) == 1 && scope == NULL) {
        a.in.sin_family = AF_INET;
        a.in.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) == 1) {
        a.in6.sin6_family = AF_INET6;
        a.in6.sin6_port = htons(port);
        if (scope != NULL && (ret = read_scope(scope, &a.in6.sin6_scope_id)) != ERR_OK)
            return ret;
    } else {
        return ERR_MALFORMED;
    }
    *out = a;
    return ERR_OK;
}

char *upstream_address_text(const union address *a, char out[UPSTREAM_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";
    if (a->sa.sa_family == AF_UNSPEC) {
        snprintf(out, UPSTREAM_TEXT_MAX, "recursion");
        return out;
    }
    if (a->sa.sa_family != AF_INET6) {
        inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof host);
        snprintf(out, UPSTREAM_TEXT_MAX, "%s:%u", host, (unsigned)ntohs(a->in.sin_port));
        return out;
    }
    inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof host);
    if (a->in6.sin6_scope_id != 0)
        snprintf(out, UPSTREAM_TEXT_MAX, "[%s%%%u]:%u", host, a->in6.sin6_scope_id,
                 (unsigned)ntohs(a->in6.sin6_port));
    else
        snprintf(out, UPSTREAM_TEXT_MAX, "[%s]:%u", host, (unsigned)ntohs(a->in6.sin6_port));
    return out;
}

int upstream_address_bind(int fd, const union address *source)
{
    const int on = 1;
    socklen_t len = source->sa.sa_family == AF_INET6 ? sizeof source->in6 : sizeof source->in;
    if (source->sa.sa_family == AF_UNSPEC)
        return ERR_OK;
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
        bind(fd, &source->sa, len) != 0)
        return -errno;
    return ERR_OK;
}
