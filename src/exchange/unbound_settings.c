#include "exchange/unbound_settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "exchange/unbound_refusal.h"

int unbound_settings_new(bool recursion, struct unbound_settings **out)
{
    struct unbound_settings *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->references = 1;
    s->recursion = recursion;
    bytes_init(&s->server, UNBOUND_SETTINGS_MAX);
    bytes_init(&s->clauses, UNBOUND_SETTINGS_MAX);
    *out = s;
    return ERR_OK;
}

struct unbound_settings *unbound_settings_ref(struct unbound_settings *s)
{
    if (s != NULL)
        __atomic_fetch_add(&s->references, 1, __ATOMIC_RELAXED);
    return s;
}

void unbound_settings_unref(struct unbound_settings *s)
{
    if (s == NULL || __atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    bytes_free(&s->server);
    bytes_free(&s->clauses);
    free(s);
}

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

bool unbound_settings_equal(const struct unbound_settings *a, const struct unbound_settings *b)
{
    if (a == b || a == NULL || b == NULL)
        return a == b;
    return a->recursion == b->recursion && a->validate == b->validate && a->anchors == b->anchors &&
           same_bytes(&a->server, &b->server) && same_bytes(&a->clauses, &b->clauses);
}

static int wrote(const struct bytes *b, struct errtext *e)
{
    if (b->error == ERR_LIMIT)
        return errtext_set(e, ERR_CONFIG, "more than %d octets of settings", UNBOUND_SETTINGS_MAX);
    return b->error;
}

/* ---- options ---- */

static bool is_keyword(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static int refuse(struct errtext *e, const char *name, size_t len)
{
    const char *why = unbound_refusal(name, len);
    return why == NULL ? ERR_OK : errtext_set(e, ERR_CONFIG, "%.*s: %s", (int)len, name, why);
}

/* The quotation mark that the value can stand in, or 0. Within them the library takes a backslash as an
 * escape. */
static char quote_for(const char *value)
{
    for (const char *p = value; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p) || *p == '\\')
            return 0;
    return strchr(value, '"') == NULL ? '"' : strchr(value, '\'') == NULL ? '\'' : 0;
}

int unbound_settings_option(struct unbound_settings *s, const char *name, const char *const *values,
                            size_t count, struct errtext *e)
{
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == ':')
        len--;
    size_t good = 0;
    while (good < len && is_keyword(name[good]))
        good++;
    if (len == 0 || good < len)
        return errtext_set(e, ERR_CONFIG, "\"%.80s\" is no setting of unbound.conf", name);
    int ret = refuse(e, name, len);
    if (ret != ERR_OK)
        return ret;
    if (memmem(name, len, "trust", 5) != NULL && strncmp(name, "trust-anchor-signaling", len) != 0)
        s->names_anchors = true;
    bytes_printf(&s->server, "  %.*s:", (int)len, name);
    for (size_t i = 0; i < count; i++) {
        char quote = quote_for(values[i]);
        if (quote == 0)
            return errtext_set(e, ERR_CONFIG,
                               "%.*s: its value has a control character, a backslash or both quotation marks",
                               (int)len, name);
        bytes_printf(&s->server, " %c%s%c", quote, values[i], quote);
    }
    bytes_append_str(&s->server, "\n");
    return wrote(&s->server, e);
}

/* ---- files ---- */

/* Whether a comment begins at `p`: within a word the library takes # as a character of it. */
static bool begins_comment(const char *text, const char *p)
{
    return *p == '#' && (p == text || memchr(" \t\r\n", p[-1], 4) != NULL);
}

/* Holds each keyword of a configuration text against the refusals. Stricter than the library's own reading: a
 * keyword counts wherever it stands outside of comments and quotation marks, as a value too. A backslash,
 * which would hide a quotation mark from one of the two readings, is refused as in options. */
static int check_text(const char *text, size_t len, struct errtext *e)
{
    const char *p = text, *end = text + len;
    while (p < end) {
        const char *begin = p;
        bool comment = begins_comment(text, p);
        if (comment || *p == '"' || *p == '\'') {
            char until = comment ? '\n' : *p;
            for (p++; p < end && *p != until && *p != '\n' && (comment || *p != '\\'); p++)
                continue;
            p += p < end && *p != '\\';
            continue;
        }
        if (*p == '\\')
            return errtext_set(e, ERR_CONFIG, "a backslash in the file, which cannot be given to libunbound");
        while (p < end && is_keyword(*p))
            p++;
        if (p > begin && p < end && *p == ':') {
            int ret = refuse(e, begin, (size_t)(p - begin));
            if (ret != ERR_OK)
                return ret;
        }
        p += p == begin;
    }
    return ERR_OK;
}

int unbound_settings_file(struct unbound_settings *s, const char *path, struct errtext *e)
{
    struct bytes text;
    bytes_init(&text, UNBOUND_SETTINGS_MAX);
    int ret = fsio_read(path, &text);
    if (ret != ERR_OK)
        errtext_set(e, ERR_CONFIG, "%.200s cannot be read (%s)", path, err_text(ret));
    else if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
        ret = errtext_set(e, ERR_CONFIG, "%.200s is no text", path);
    else
        ret = check_text(text.data, text.len, e);
    if (ret == ERR_OK) {
        if (text.len > 0 && memmem(text.data, text.len, "trust", 5) != NULL)
            s->names_anchors = true;
        bytes_append(&s->clauses, text.data, text.len);
        bytes_append_str(&s->clauses, "\n");
        ret = wrote(&s->clauses, e);
    }
    bytes_free(&text);
    return ret == ERR_OK || ret == -ENOMEM ? ret : ERR_CONFIG;
}

/* ---- validation ---- */

bool unbound_settings_can_replace(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int n = slash == NULL ? snprintf(folder, sizeof folder, ".")
                          : snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    return n > 0 && (size_t)n < sizeof folder && access(path, W_OK) == 0 && access(folder, W_OK) == 0;
}

/* Of what is no comment: libunbound notes there when it has seen a key. FNV-1a. */
static uint64_t hash_records(const char *text, size_t len)
{
    uint64_t hash = 14695981039346656037u;
    bool comment = false;
    for (size_t i = 0; i < len; i++) {
        comment = text[i] == ';' || (comment && text[i] != '\n');
        if (!comment)
            hash = (hash ^ (uint8_t)text[i]) * 1099511628211u;
    }
    return hash;
}

static int read_anchors(struct unbound_settings *s, const char *path, struct errtext *e)
{
    struct bytes text;
    bytes_init(&text, UNBOUND_SETTINGS_MAX);
    int ret = fsio_read(path, &text);
    if (ret == ERR_OK)
        s->anchors = hash_records(text.data, text.len);
    else if (ret != -ENOMEM)
        ret = errtext_set(e, ERR_CONFIG, "%.200s cannot be read (%s)", path, err_text(ret));
    bytes_free(&text);
    return ret;
}

int unbound_settings_validate(struct unbound_settings *s, const char *anchors, struct errtext *e)
{
    s->validate = true;
    if (anchors == NULL) {
        s->root_anchor = true;
        return ERR_OK;
    }
    if (quote_for(anchors) == 0)
        return errtext_set(e, ERR_CONFIG, "the file's name cannot be given to libunbound");
    int ret = read_anchors(s, anchors, e);
    if (ret != ERR_OK)
        return ret;
    char quote = quote_for(anchors);
    bytes_printf(&s->server, "  %s: %c%s%c\n",
                 unbound_settings_can_replace(anchors) ? "auto-trust-anchor-file" : "trust-anchor-file",
                 quote, anchors, quote);
    return wrote(&s->server, e);
}

int unbound_settings_distrust(struct unbound_settings *s, const char *zone, struct errtext *e)
{
    char quote = quote_for(zone);
    if (quote == 0)
        return errtext_set(e, ERR_CONFIG, "\"%.80s\" cannot be given to libunbound", zone);
    s->names_anchors = true;
    bytes_printf(&s->server, "  domain-insecure: %c%s%c\n", quote, zone, quote);
    return wrote(&s->server, e);
}
