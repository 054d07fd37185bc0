#include "serve/log_format.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "dns/rr.h"
#include "serve/answer.h"
#include "serve/metadata.h"

#define FORMAT_MAX 65536 /* octets of a format with {common} and {combined} written out */

/* Where a line is written; what does not fit is left out. */
struct line {
    char *out;
    size_t len;
    size_t cap;
};

static void put(struct line *l, const char *text, size_t len)
{
    size_t room = l->cap - l->len;
    if (len > room)
        len = room;
    memcpy(l->out + l->len, text, len);
    l->len += len;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

static void put_number(struct line *l, uint64_t n)
{
    char digits[24];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    put(l, digits + at, sizeof digits - at);
}

static void put_address(struct line *l, const union address *a)
{
    char text[ADDRESS_TEXT_MAX];
    bool six = strchr(address_text(a, text), ':') != NULL;
    if (six)
        put_text(l, "[");
    put_text(l, text);
    if (six)
        put_text(l, "]");
}

/* ---- one function a placeholder ---- */

struct moment {
    const struct request *r;
    uint64_t now_ns;
    const char *label; /* of {/label} */
};

static void put_type(struct line *l, const struct moment *m)
{
    char text[16];
    put_text(l, rrtype_to_text(m->r->q.qtype, text));
}

static void put_name(struct line *l, const struct moment *m)
{
    char text[NAME_MAX_TEXT];
    put_text(l, m->r->asked->qname_len == 0 ? "." : name_to_text(m->r->asked->lname, text));
}

static void put_class(struct line *l, const struct moment *m)
{
    char text[16];
    put_text(l, class_to_text(m->r->q.qclass, text));
}

static void put_proto(struct line *l, const struct moment *m)
{
    put_text(l, m->r->transport == TRANSPORT_TCP ? "tcp" : "udp");
}

static void put_size(struct line *l, const struct moment *m)
{
    put_number(l, m->r->q.size);
}

static void put_remote(struct line *l, const struct moment *m)
{
    put_address(l, &m->r->client);
}

static void put_port(struct line *l, const struct moment *m)
{
    put_number(l, address_port(&m->r->client));
}

static void put_local(struct line *l, const struct moment *m)
{
    const union address local = request_local(m->r);
    put_address(l, &local);
}

static void put_id(struct line *l, const struct moment *m)
{
    put_number(l, m->r->q.id);
}

static void put_opcode(struct line *l, const struct moment *m)
{
    put_number(l, DNS_OPCODE(m->r->q.flags));
}

static void put_do(struct line *l, const struct moment *m)
{
    put_text(l, m->r->q.dnssec_ok ? "true" : "false");
}

static void put_bufsize(struct line *l, const struct moment *m)
{
    if (m->r->transport == TRANSPORT_TCP)
        put_number(l, 65535);
    else
        put_number(l, m->r->q.udp_size < 512 ? 512 : m->r->q.udp_size);
}

static void put_rcode(struct line *l, const struct moment *m)
{
    const char *name = rcode_name(m->r->reply->rcode);
    if (name != NULL)
        put_text(l, name);
    else
        put_number(l, m->r->reply->rcode);
}

static void put_rsize(struct line *l, const struct moment *m)
{
    put_number(l, answer_raw_size(m->r));
}

/* Seconds with as many decimals as it takes: 0.000123456s. */
static void put_duration(struct line *l, const struct moment *m)
{
    uint64_t ns = m->now_ns > m->r->received_ns ? m->now_ns - m->r->received_ns : 0;
    char decimals[10];
    int n = snprintf(decimals, sizeof decimals, "%09u", (unsigned)(ns % 1000000000u));
    while (n > 0 && decimals[n - 1] == '0')
        n--;
    put_number(l, ns / 1000000000u);
    if (n > 0) {
        put_text(l, ".");
        put(l, decimals, (size_t)n);
    }
    put_text(l, "s");
}

static void put_rflags(struct line *l, const struct moment *m)
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = {{FLAG_QR, "qr"}, {FLAG_AA, "aa"}, {FLAG_TC, "tc"}, {FLAG_RD, "rd"},
                 {FLAG_RA, "ra"}, {FLAG_AD, "ad"}, {FLAG_CD, "cd"}};
    uint16_t flags = answer_flags(m->r);
    bool first = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((flags & names[i].flag) == 0)
            continue;
        if (!first)
            put_text(l, ",");
        first = false;
        put_text(l, names[i].name);
    }
}

/* A label that nobody knows is a dash; one that is known may be empty. */
static void put_metadata(struct line *l, const struct moment *m)
{
    char value[METADATA_VALUE_MAX];
    int len = metadata_value(m->r, m->label, value, sizeof value);
    if (len < 0)
        put_text(l, "-");
    else
        put(l, value, (size_t)len);
}

typedef void placeholder(struct line *l, const struct moment *m);

static const struct {
    const char *text;
    placeholder *put;
} placeholders[] = {
    {"{type}", put_type},      {"{name}", put_name},   {"{class}", put_class},
    {"{proto}", put_proto},    {"{size}", put_size},   {"{remote}", put_remote},
    {"{port}", put_port},      {"{local}", put_local}, {"{>id}", put_id},
    {"{>opcode}", put_opcode}, {"{>do}", put_do},      {"{>bufsize}", put_bufsize},
    {"{rcode}", put_rcode},    {"{rsize}", put_rsize}, {"{duration}", put_duration},
    {"{>rflags}", put_rflags},
};

/* ---- parsing ---- */

/* A piece of the format: literal text, or a placeholder. */
struct piece {
    placeholder *put; /* NULL: literal */
    const char *text; /* of a literal; of {/label} the label, with a NUL behind it */
    size_t len;
};

struct log_format {
    char *text; /* what pieces point into */
    size_t npieces;
    struct piece pieces[];
};

static placeholder *find_placeholder(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++)
        if (strlen(placeholders[i].text) == len && memcmp(placeholders[i].text, text, len) == 0)
            return placeholders[i].put;
    return len > 2 && text[1] == '/' ? put_metadata : NULL;
}

/* Writes {common} and {combined} out. NULL without memory or over the limit. */
static char *expand(const char *text)
{
    static const char common[] = "{common}", combined[] = "{combined}";
    struct bytes b;
    bytes_init(&b, FORMAT_MAX);
    while (*text != '\0') {
        if (strncmp(text, common, sizeof common - 1) == 0) {
            bytes_append_str(&b, LOG_FORMAT_COMMON);
            text += sizeof common - 1;
        } else if (strncmp(text, combined, sizeof combined - 1) == 0) {
            bytes_append_str(&b, LOG_FORMAT_COMBINED);
            text += sizeof combined - 1;
        } else {
            bytes_append(&b, text++, 1);
        }
    }
    bytes_append(&b, "", 0);
    if (b.error != ERR_OK)
        bytes_free(&b);
    return b.data;
}

static void add_piece(struct log_format *f, placeholder *p, const char *text, size_t len)
{
    if (p != NULL || len > 0)
        f->pieces[f->npieces++] = (struct piece){.put = p, .text = text, .len = len};
}

/* A placeholder is what stands between a brace that closes and the nearest one before it that opens: "{
 * {type} }" has one. */
static void split(struct log_format *f)
{
    char *at = f->text;
    for (char *close; (close = strchr(at, '}')) != NULL; at = close + 1) {
        const char *open = memrchr(at, '{', (size_t)(close - at));
        placeholder *p = open == NULL ? NULL : find_placeholder(open, (size_t)(close - open) + 1);
        if (p == NULL) {
            add_piece(f, NULL, at, (size_t)(close - at) + 1);
            continue;
        }
        add_piece(f, NULL, at, (size_t)(open - at));
        add_piece(f, p, open + 2, 0);
        *close = '\0';
    }
    add_piece(f, NULL, at, strlen(at));
}

struct log_format *log_format_new(const char *text)
{
    char *expanded = expand(text);
    if (expanded == NULL)
        return NULL;
    size_t most = 1; /* each closing brace ends at most a literal and a placeholder */
    for (const char *p = expanded; *p != '\0'; p++)
        most += *p == '}' ? 2 : 0;
    struct log_format *f = calloc(1, sizeof *f + most * sizeof f->pieces[0]);
    if (f == NULL) {
        free(expanded);
        return NULL;
    }
    f->text = expanded;
    split(f);
    return f;
}

void log_format_free(struct log_format *f)
{
    if (f == NULL)
        return;
    free(f->text);
    free(f);
}

size_t log_format_write(const struct log_format *f, const struct request *r, uint64_t now_ns, char *out,
                        size_t cap)
{
    struct line l = {.out = out, .cap = cap};
    struct moment m = {.r = r, .now_ns = now_ns};
    for (size_t i = 0; i < f->npieces; i++) {
        m.label = f->pieces[i].text;
        if (f->pieces[i].put != NULL)
            f->pieces[i].put(&l, &m);
        else
            put(&l, f->pieces[i].text, f->pieces[i].len);
    }
    return l.len;
}
