#include "exchange/upstream_transport.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "exchange/upstream_address.h"

#define TLS_PORT   853 /* RFC 7858 section 3.1 */
#define HTTPS_PORT 443
#define DOH_PATH   "/dns-query" /* CoreDNS's; RFC 8484 section 4.1.1 has it in its examples */

#define WRITTEN_MAX (2 * SERVER_NAME_MAX + sizeof "[]%:65535") /* HOST%NAME:PORT */

bool upstream_transport_equal(const struct upstream_transport *a, const struct upstream_transport *b)
{
    if (a->protocol != b->protocol)
        return false;
    return a->protocol == PROTOCOL_DNS || (a->tls == b->tls && strcmp(a->server_name, b->server_name) == 0 &&
                                           a->get == b->get && strcmp(a->path, b->path) == 0);
}

static int copy_text(char *out, size_t cap, const char *from, size_t len)
{
    if (len == 0 || len >= cap)
        return ERR_MALFORMED;
    memcpy(out, from, len);
    out[len] = '\0';
    return ERR_OK;
}

/* Takes "%NAME" out of "HOST%NAME[:PORT]", "[ADDR%NAME]:PORT"; what is left is a host with or without port.
 */
static int take_name(char *host, size_t cap, struct upstream_transport *out)
{
    char rest[WRITTEN_MAX];
    char *name = strrchr(host, '%');
    if (name == NULL)
        return ERR_OK;
    const char *port = strchr(name, ':');
    size_t len = port == NULL ? strlen(name + 1) : (size_t)(port - name - 1);
    bool bracketed = host[0] == '[';
    if (len > 0 && name[len] == ']')
        len--;
    if (name[1] == '.') /* OpenSSL would take any name below */
        return ERR_MALFORMED;
    int ret = copy_text(out->server_name, sizeof out->server_name, name + 1, len);
    if (ret != ERR_OK)
        return ret;
    *name = '\0';
    bool six = !bracketed && port != NULL && strchr(host, ':') != NULL;
    int n = snprintf(rest, sizeof rest, "%s%s%s%s", six ? "[" : "", host, six || bracketed ? "]" : "",
                     port == NULL ? "" : port);
    if (n < 0 || (size_t)n >= sizeof rest || (size_t)n >= cap)
        return ERR_MALFORMED;
    memcpy(host, rest, (size_t)n + 1);
    return ERR_OK;
}

static int parse(const char *text, struct upstream_transport *out, char *host, size_t cap, uint16_t *port)
{
    char written[WRITTEN_MAX];
    const char *path = strchr(text, '/');
    size_t len = path == NULL ? strlen(text) : (size_t)(path - text);
    int ret = copy_text(written, sizeof written, text, len);
    if (ret == ERR_OK && path != NULL && out->protocol == PROTOCOL_TLS)
        ret = ERR_MALFORMED;
    if (ret == ERR_OK && path != NULL && path[1] != '\0')
        ret = copy_text(out->path, sizeof out->path, path, strlen(path));
    for (const char *p = out->path; ret == ERR_OK && *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == '#' || *p == '?')
            ret = ERR_MALFORMED;
    if (ret == ERR_OK)
        ret = take_name(written, sizeof written, out);
    return ret == ERR_OK ? upstream_address_split(written, host, cap, port) : ret;
}

int upstream_transport_parse(const char *to, struct upstream_transport *out, char host[SERVER_NAME_MAX],
                             uint16_t *port)
{
    struct upstream_transport t = {.protocol = PROTOCOL_DNS};
    if (strncmp(to, "tls://", 6) == 0)
        t.protocol = PROTOCOL_TLS;
    else if (strncmp(to, "https://", 8) == 0)
        t.protocol = PROTOCOL_HTTPS;
    else
        return ERR_NOT_FOUND;
    bool https = t.protocol == PROTOCOL_HTTPS;
    uint16_t found = https ? HTTPS_PORT : TLS_PORT;
    if (https)
        snprintf(t.path, sizeof t.path, "%s", DOH_PATH);
    int ret = parse(to + (https ? 8 : 6), &t, host, SERVER_NAME_MAX, &found);
    if (ret == ERR_OK) {
        *out = t;
        *port = found;
    }
    return ret;
}
