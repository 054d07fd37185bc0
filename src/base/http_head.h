/*
 * The head of an HTTP/1 request (RFC 9112), as far as a server of a few fixed pages needs it: method and
 * path. Header fields are checked for their form and not kept. Takes bytes from anybody. Any thread.
 */
#ifndef SEAMARK_BASE_HTTP_HEAD_H
#define SEAMARK_BASE_HTTP_HEAD_H

#include <stddef.h>

enum http_method { HTTP_METHOD_GET, HTTP_METHOD_HEAD, HTTP_METHOD_OTHER };

struct http_head {
    enum http_method method;
    const char *path; /* borrowed from the data, not NUL-terminated, without query; begins with '/' */
    size_t path_len;
};

/* Reads a head from the start of `data`. Returns its length with the empty line, 0 where it has not ended
 * yet, or ERR_MALFORMED. */
int http_head_parse(const char *data, size_t len, struct http_head *out);

#endif
