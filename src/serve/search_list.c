#include "serve/search_list.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/fsio.h"
#include "base/log.h"

#define FILE_MAX 65536 /* a resolv.conf has some hundred octets */

struct word {
    const char *text;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word before `end`; false where there is none. */
static bool next_word(const char **at, const char *end, struct word *w)
{
    while (*at < end && is_blank(**at))
        (*at)++;
    w->text = *at;
    while (*at < end && !is_blank(**at))
        (*at)++;
    w->len = (size_t)(*at - w->text);
    return w->len > 0;
}

static bool word_is(const struct word *w, const char *text)
{
    return w->len == strlen(text) && memcmp(w->text, text, w->len) == 0;
}

static void add(const char *path, const struct word *w, struct search_list *out)
{
    uint8_t name[NAME_MAX_LEN];
    if (out->count == SEARCH_LIST_MAX)
        log_warning("%s: more than %d search domains, \"%.*s\" is left out", path, SEARCH_LIST_MAX,
                    (int)w->len, w->text);
    else if (name_from_text(w->text, w->len, name) < 0)
        log_warning("%s: search domain \"%.*s\" is left out (not a domain name)", path, (int)w->len, w->text);
    else
        name_lower(out->domains[out->count++], name);
}

void search_list_parse(const char *path, const char *text, size_t len, struct search_list *out)
{
    const char *end = text + len;
    out->count = 0;
    for (const char *at = text, *stop; at < end; at = stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        struct word w;
        if (!next_word(&at, stop, &w))
            continue;
        bool domain = word_is(&w, "domain");
        if (!domain && !word_is(&w, "search"))
            continue;
        out->count = 0;
        while (next_word(&at, stop, &w) && !(domain && out->count > 0))
            add(path, &w, out);
    }
}

int search_list_read(const char *path, struct search_list *out)
{
    struct bytes b;
    bytes_init(&b, FILE_MAX);
    out->count = 0;
    int ret = fsio_read(path, &b);
    if (ret == ERR_OK && b.len > 0)
        search_list_parse(path, b.data, b.len, out);
    bytes_free(&b);
    return ret;
}
