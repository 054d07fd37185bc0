#include "base/http_head.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return len > 0;
}

/* Visible text, blanks and octets above ASCII; no other control characters. */
static bool is_field_text(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Cuts scheme and authority of an absolute-form target, and the query. */
static int read_target(const char *p, size_t len, struct http_head *out)
{
    static const char scheme[] = "http://";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)p[i] <= 0x20 || p[i] == 0x7f)
            return ERR_MALFORMED;
    if (len >= sizeof scheme - 1 && memcmp(p, scheme, sizeof scheme - 1) == 0) {
        const char *slash = memchr(p + sizeof scheme - 1, '/', len - (sizeof scheme - 1));
        if (slash == NULL)
            return ERR_MALFORMED;
        len -= (size_t)(slash - p);
        p = slash;
    }
    if (len == 0 || *p != '/')
        return ERR_MALFORMED;
    const char *query = memchr(p, '?', len);
    out->path = p;
    out->path_len = query == NULL ? len : (size_t)(query - p);
    return ERR_OK;
}

static int read_request_line(const char *line, size_t len, struct http_head *out)
{
    const char *sp1 = memchr(line, ' ', len);
    if (sp1 == NULL || !is_token(line, (size_t)(sp1 - line)))
        return ERR_MALFORMED;
    const char *end = line + len;
    const char *sp2 = memchr(sp1 + 1, ' ', (size_t)(end - sp1 - 1));
    if (sp2 == NULL || end - sp2 != 9 || memcmp(sp2, " HTTP/1.", 8) != 0 || end[-1] < '0' || end[-1] > '9')
        return ERR_MALFORMED;
    size_t method = (size_t)(sp1 - line);
    out->method = HTTP_METHOD_OTHER;
    if (method == 3 && memcmp(line, "GET", 3) == 0)
        out->method = HTTP_METHOD_GET;
    else if (method == 4 && memcmp(line, "HEAD", 4) == 0)
        out->method = HTTP_METHOD_HEAD;
    return read_target(sp1 + 1, (size_t)(sp2 - sp1 - 1), out);
}

static int check_field(const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (colon == NULL || !is_token(line, (size_t)(colon - line)))
        return ERR_MALFORMED; /* a folded line (RFC 9112 section 5.2) ends here too */
    return is_field_text(colon + 1, (size_t)(line + len - colon - 1)) ? ERR_OK : ERR_MALFORMED;
}

int http_head_parse(const char *data, size_t len, struct http_head *out)
{
    struct http_head head = {0};
    size_t at = 0;
    for (bool first = true;; first = false) {
        const char *line = data + at;
        const char *lf = len > at ? memchr(line, '\n', len - at) : NULL;
        if (lf == NULL)
            return 0;
        size_t n = (size_t)(lf - line);
        at += n + 1;
        if (n > 0 && line[n - 1] == '\r')
            n--; /* a lone LF ends a line too (section 2.2) */
        if (n == 0 && !first)
            break;
        int ret = first ? read_request_line(line, n, &head) : check_field(line, n);
        if (ret != ERR_OK)
            return ret;
    }
    *out = head;
    return (int)at;
}
