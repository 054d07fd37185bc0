/*
 * Address prefixes and the reverse zones they stand for (RFC 1035 section 3.5, RFC 3596 section 2.5). A
 * prefix that does not end where a label does, such as 10.0.0.0/23, stands for several zones: at most 128 for
 * IPv4, 8 for IPv6. Bits of the address behind the prefix do not count. Any thread.
 */
#ifndef SEAMARK_CONF_CIDR_P_H
#define SEAMARK_CONF_CIDR_P_H

#include <stdint.h>

struct cidr {
    uint8_t address[16]; /* 4 octets are used where width is 32; bits behind the prefix are 0 */
    unsigned width;      /* 32 or 128 */
    unsigned prefix;     /* 0 to width */
};

/* Reads ADDRESS/PREFIX. ERR_OK; ERR_NOT_FOUND where no address stands before a slash, so that it may be a
 * name
 * ("0/25.2.0.192.in-addr.arpa" of RFC 2317); ERR_MALFORMED where one does and the prefix is wrong. */
int cidr_read(const char *text, struct cidr *out);

/* How many reverse zones the prefix stands for, and the i-th of them in ascending order, with the final dot.
 */
#define CIDR_ZONE_MAX 80
unsigned cidr_zone_count(const struct cidr *c);
char *cidr_zone(const struct cidr *c, unsigned i, char out[CIDR_ZONE_MAX]);

#endif
