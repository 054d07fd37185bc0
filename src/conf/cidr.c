#include "conf/cidr_p.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static unsigned label_bits(const struct cidr *c)
{
    return c->width == 32 ? 8 : 4;
}

/* The prefix rounded up to the end of a label. */
static unsigned label_prefix(const struct cidr *c)
{
    unsigned bits = label_bits(c);
    return (c->prefix + bits - 1) / bits * bits;
}

static int read_prefix(const char *text, unsigned width, unsigned *out)
{
    unsigned prefix = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 3 || strspn(text, "0123456789") != len)
        return ERR_MALFORMED;
    for (size_t i = 0; i < len; i++)
        prefix = prefix * 10 + (unsigned)(text[i] - '0');
    if (prefix > width)
        return ERR_MALFORMED;
    *out = prefix;
    return ERR_OK;
}

int cidr_read(const char *text, struct cidr *out)
{
    struct cidr c = {0};
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof address)
        return ERR_NOT_FOUND;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    if (inet_pton(AF_INET, address, c.address) == 1)
        c.width = 32;
    else if (inet_pton(AF_INET6, address, c.address) == 1)
        c.width = 128;
    else
        return ERR_NOT_FOUND;
    int ret = read_prefix(slash + 1, c.width, &c.prefix);
    if (ret != ERR_OK)
        return ret;
    for (unsigned bit = c.prefix; bit < c.width; bit++)
        c.address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    *out = c;
    return ERR_OK;
}

unsigned cidr_zone_count(const struct cidr *c)
{
    return 1u << (label_prefix(c) - c->prefix);
}

char *cidr_zone(const struct cidr *c, unsigned i, char out[CIDR_ZONE_MAX])
{
    uint8_t address[16];
    unsigned prefix = label_prefix(c);
    memcpy(address, c->address, sizeof address);
    if (i > 0) /* the count's bits are the last ones of the last label */
        address[(prefix - 1) / 8] |= (uint8_t)(i << (prefix % 8 == 0 ? 0 : 4));

    size_t n = 0;
    for (unsigned label = prefix / label_bits(c); label-- > 0;) {
        if (c->width == 32)
            n += (size_t)snprintf(out + n, CIDR_ZONE_MAX - n, "%u.", address[label]);
        else
            n += (size_t)snprintf(out + n, CIDR_ZONE_MAX - n, "%x.",
                                  address[label / 2] >> (label % 2 == 0 ? 4 : 0) & 15);
    }
    snprintf(out + n, CIDR_ZONE_MAX - n, "%s", c->width == 32 ? "in-addr.arpa." : "ip6.arpa.");
    return out;
}
