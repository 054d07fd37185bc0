#include "upstream/resolv_conf.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/fsio.h"
#include "base/log.h"
#include "exchange/upstream_address.h"

#define BLANKS " \t\r\v\f"

/* The next word of a line in [*at, end), or NULL; its length in *len. */
static const char *next_word(const char **at, const char *end, size_t *len)
{
    while (*at < end && strchr(BLANKS, **at) != NULL)
        (*at)++;
    const char *word = *at;
    while (*at < end && strchr(BLANKS, **at) == NULL)
        (*at)++;
    *len = (size_t)(*at - word);
    return *len > 0 ? word : NULL;
}

/* Whether the line names a server that could be read. */
static bool read_line(const char *path, const char *line, const char *end, union address *out)
{
    static const char keyword[] = "nameserver";
    size_t len;
    const char *at = line, *word = next_word(&at, end, &len);
    if (word == NULL || *word == '#' || *word == ';' || len != sizeof keyword - 1 ||
        memcmp(word, keyword, len) != 0)
        return false;
    word = next_word(&at, end, &len);
    if (word == NULL)
        return false;
    char address[ADDRESS_TEXT_MAX];
    /* No ports here: resolv.conf(5) has none, so every colon belongs to an IPv6 address. */
    if (len < sizeof address) {
        memcpy(address, word, len);
        address[len] = '\0';
        if (strchr(address, '[') == NULL && upstream_address_parse(address, out) == ERR_OK &&
            address_port(out) == UPSTREAM_PORT)
            return true;
    }
    log_warning("plugin/forward: %s: nameserver \"%.*s\" left out (not an IP address)", path, (int)len, word);
    return false;
}

size_t resolv_conf_parse(const char *path, const char *text, size_t len, union address *out, size_t max)
{
    size_t count = 0;
    const char *end = text + len;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        union address a;
        if (memchr(text, '\0', (size_t)(stop - text)) == NULL && read_line(path, text, stop, &a)) {
            if (count < max)
                out[count++] = a;
            else
                log_warning("plugin/forward: %s: more than %zu name servers, the rest is left out", path,
                            max);
        }
        text = stop + 1;
    }
    return count;
}

int resolv_conf_read(const char *path, union address *out, size_t max, size_t *count)
{
    struct bytes b;
    bytes_init(&b, RESOLV_CONF_MAX);
    int ret = fsio_read(path, &b);
    if (ret == ERR_OK)
        *count = b.len == 0 ? 0 : resolv_conf_parse(path, b.data, b.len, out, max);
    bytes_free(&b);
    return ret;
}
