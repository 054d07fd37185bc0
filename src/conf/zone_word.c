#include "conf/zone_word_p.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

static const struct {
    const char *prefix;
    enum key_scheme scheme;
} schemes[] = {
    {"dns://", KEY_DNS},   {"tls://", KEY_TLS},     {"quic://", KEY_QUIC},
    {"grpc://", KEY_GRPC}, {"https://", KEY_HTTPS}, {"https3://", KEY_HTTPS3},
};

static int refuse(const char **why, const char *reason)
{
    *why = reason;
    return ERR_MALFORMED;
}

/* CoreDNS takes an unknown scheme as part of a zone's name, which then nobody asks for. */
static int read_scheme(const char **word, enum key_scheme *scheme, const char **why)
{
    *scheme = KEY_DNS;
    if (strstr(*word, "://") == NULL)
        return ERR_OK;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].prefix);
        if (strncmp(*word, schemes[i].prefix, len) == 0) {
            *word += len;
            *scheme = schemes[i].scheme;
            return ERR_OK;
        }
    }
    return refuse(why, "the schemes are dns, tls, quic, grpc, https and https3");
}

/* Digits behind the last colon are a port: an IPv6 prefix has a slash before it. `len` becomes what is left.
 */
static int read_port(const char *word, size_t *len, uint16_t *port, const char **why)
{
    const char *colon = strrchr(word, ':');
    *port = 0;
    *len = strlen(word);
    if (colon == NULL || strchr(colon, '/') != NULL)
        return ERR_OK;
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
        return refuse(why, "a port stands behind the last colon");
    unsigned value = 0;
    for (size_t i = 1; i <= digits; i++)
        value = value * 10 + (unsigned)(colon[i] - '0');
    if (value == 0 || value > UINT16_MAX)
        return refuse(why, "a port is a number from 1 to 65535");
    *port = (uint16_t)value;
    *len = (size_t)(colon - word);
    return ERR_OK;
}

static int read_name(char text[NAME_MAX_TEXT], const char **why)
{
    uint8_t name[NAME_MAX_LEN];
    if (strchr(text, ':') != NULL)
        return refuse(why, "a zone's name has no colon");
    if (strpbrk(text, "()") != NULL)
        return refuse(why,
                      "a zone's name has no parentheses; a snippet is one word, (name), and nothing else");
    if (strpbrk(text, " \t\r\n\v\f") != NULL || name_from_text(text, strlen(text), name) < 0)
        return refuse(why, "not a domain name");
    name_lower(name, name);
    name_to_text(name, text);
    return ERR_OK;
}

int zone_word_read(const char *word, struct zone_word *out, const char **why)
{
    struct zone_word w = {0};
    size_t len;
    if (strpbrk(word, "{}") != NULL) /* `.:53{` */
        return refuse(why, "a brace stands by itself, with white space before it");
    int ret = read_scheme(&word, &w.scheme, why);
    if (ret == ERR_OK)
        ret = read_port(word, &len, &w.port, why);
    if (ret != ERR_OK)
        return ret;
    if (len == 0)
        return refuse(why, "the zone is empty; the root is a dot");
    if (len >= sizeof w.text)
        return refuse(why, "longer than a domain name can be");
    memcpy(w.text, word, len);
    w.text[len] = '\0';

    ret = cidr_read(w.text, &w.cidr);
    if (ret == ERR_MALFORMED)
        return refuse(why, "a prefix is at most 32 for IPv4 and 128 for IPv6");
    w.is_cidr = ret == ERR_OK;
    if (!w.is_cidr && (ret = read_name(w.text, why)) != ERR_OK)
        return ret;
    *out = w;
    return ERR_OK;
}

unsigned zone_word_count(const struct zone_word *w)
{
    return w->is_cidr ? cidr_zone_count(&w->cidr) : 1;
}

char *zone_word_zone(const struct zone_word *w, unsigned i, char out[NAME_MAX_TEXT])
{
    if (w->is_cidr)
        return cidr_zone(&w->cidr, i, out);
    snprintf(out, NAME_MAX_TEXT, "%s", w->text);
    return out;
}
