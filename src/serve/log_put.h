/*
 * What a log line is made of, written as text: each function writes at `at`, without NUL, at most LOG_PUT_MAX
 * octets may be overwritten there, and returns where it ended. For lines that are written by the million: no
 * printf, no look at a table where a comparison will do. Any thread.
 */
#ifndef SEAMARK_SERVE_LOG_PUT_H
#define SEAMARK_SERVE_LOG_PUT_H

#include "serve/request.h"

#define LOG_PUT_MAX (NAME_MAX_TEXT + 16) /* room for the longest of them, and for stores of eight octets */

static inline char *log_put_text(char *at, const char *text) /* of at most LOG_PUT_MAX octets */
{
    while (*text != '\0') /* a few octets: less than a call of the library */
        *at++ = *text++;
    return at;
}

char *log_put_number(char *at, uint64_t n);
/* Presentation form with the final dot, escaped (name_to_text). */
char *log_put_name(char *at, const uint8_t *name, size_t len);
/* As address_text, IPv6 in brackets. */
char *log_put_address(char *at, const union address *a);
/* Seconds with as many decimals as it takes: 0.000123456s. */
char *log_put_seconds(char *at, uint64_t ns);
/* "qr,aa,rd" of enum dns_flag. */
char *log_put_flags(char *at, uint16_t flags);

#endif
