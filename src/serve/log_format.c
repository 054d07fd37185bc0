#include "serve/log_format.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "dns/rr.h"
#include "dns/rrtype.h"
#include "serve/answer.h"
#include "serve/log_put.h"
#include "serve/metadata.h"

#define FORMAT_MAX 65536 /* octets of a format with {common} and {combined} written out */

/* ---- one function a placeholder: LOG_PUT_MAX octets are there ---- */

struct moment {
    const struct log_facts *f;
    const char *label; /* of {/label} */
};

static char *put_type(char *at, const struct moment *m)
{
    const struct rrtype_info *info = rrtype_info(m->f->qtype);
    if (info != NULL)
        return log_put_text(at, info->mnemonic);
    return log_put_number(log_put_text(at, "TYPE"), m->f->qtype);
}

static char *put_name(char *at, const struct moment *m)
{
    return m->f->name_len == 0 ? log_put_text(at, ".") : log_put_name(at, m->f->name, m->f->name_len);
}

static char *put_class(char *at, const struct moment *m)
{
    char text[16];
    return log_put_text(at, m->f->qclass == CLASS_IN ? "IN" : class_to_text(m->f->qclass, text));
}

static char *put_proto(char *at, const struct moment *m)
{
    return log_put_text(at, m->f->tcp ? "tcp" : "udp");
}

static char *put_size(char *at, const struct moment *m)
{
    return log_put_number(at, m->f->size);
}

static char *put_remote(char *at, const struct moment *m)
{
    return log_put_address(at, m->f->client);
}

static char *put_port(char *at, const struct moment *m)
{
    return log_put_number(at, address_port(m->f->client));
}

static char *put_local(char *at, const struct moment *m)
{
    const union address local = request_local(m->f->request);
    return log_put_address(at, &local);
}

static char *put_id(char *at, const struct moment *m)
{
    return log_put_number(at, m->f->id);
}

static char *put_opcode(char *at, const struct moment *m)
{
    return log_put_number(at, DNS_OPCODE(m->f->flags));
}

static char *put_do(char *at, const struct moment *m)
{
    return log_put_text(at, m->f->dnssec_ok ? "true" : "false");
}

static char *put_bufsize(char *at, const struct moment *m)
{
    uint16_t size = m->f->udp_size < 512 ? 512 : m->f->udp_size;
    return log_put_number(at, m->f->tcp ? 65535 : size);
}

static char *put_rcode(char *at, const struct moment *m)
{
    const char *name = rcode_name(m->f->rcode);
    return name != NULL ? log_put_text(at, name) : log_put_number(at, m->f->rcode);
}

static char *put_rsize(char *at, const struct moment *m)
{
    return log_put_number(at, m->f->answer_size);
}

static char *put_duration(char *at, const struct moment *m)
{
    return log_put_seconds(at, m->f->took_ns);
}

static char *put_rflags(char *at, const struct moment *m)
{
    return log_put_flags(at, m->f->answer_flags);
}

/* A label that nobody knows is a dash; one that is known may be empty. */
static char *put_metadata(char *at, const struct moment *m)
{
    int len = metadata_value(m->f->request, m->label, at, METADATA_VALUE_MAX);
    return len < 0 ? log_put_text(at, "-") : at + len;
}

_Static_assert(METADATA_VALUE_MAX <= LOG_PUT_MAX, "a value fits");

typedef char *placeholder(char *at, const struct moment *m);

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

#define BRIEF 8 /* octets of text that are copied in one step */

/* A piece of the format: a placeholder and the little text behind it, or longer text. */
struct piece {
    placeholder *put; /* NULL: text alone */
    const char *text; /* then; of {/label} the label, with a NUL behind it */
    size_t len;       /* of the text alone, or of the text behind */
    char behind[BRIEF];
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
    struct piece *before = f->npieces > 0 ? &f->pieces[f->npieces - 1] : NULL;
    if (p == NULL && len == 0)
        return;
    if (p == NULL && before != NULL && before->put != NULL && before->len == 0 && len <= BRIEF) {
        before->len = len;
        memcpy(before->behind, text, len);
        return;
    }
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

/* Adds what there is room for. */
static char *put_clipped(char *at, const char *end, const char *text, size_t len)
{
    size_t room = (size_t)(end - at);
    if (len > room)
        len = room;
    memcpy(at, text, len);
    return at + len;
}

/* A piece where there may be too little room for it. */
static char *put_piece(char *at, const char *end, const struct piece *p, const struct moment *m)
{
    if (p->put == NULL)
        return put_clipped(at, end, p->text, p->len);
    char scratch[LOG_PUT_MAX];
    at = put_clipped(at, end, scratch, (size_t)(p->put(scratch, m) - scratch));
    return put_clipped(at, end, p->behind, p->len);
}

bool log_format_is_plain(const struct log_format *f)
{
    for (size_t i = 0; i < f->npieces; i++)
        if (f->pieces[i].put == put_local || f->pieces[i].put == put_metadata)
            return false;
    return true;
}

void log_facts_of(const struct request *r, struct log_facts *out)
{
    *out = (struct log_facts){.request = r,
                              .name = r->asked->lname,
                              .name_len = r->asked->qname_len,
                              .client = &r->client,
                              .id = r->q.id,
                              .qtype = r->q.qtype,
                              .qclass = r->q.qclass,
                              .flags = r->q.flags,
                              .size = r->q.size,
                              .udp_size = r->q.udp_size,
                              .dnssec_ok = r->q.dnssec_ok,
                              .tcp = r->transport == TRANSPORT_TCP,
                              .rcode = r->reply->rcode,
                              .answer_flags = answer_flags(r),
                              .answer_size = answer_raw_size(r),
                              .took_ns = r->answered_ns - r->received_ns};
}

size_t log_format_write(const struct log_format *f, const struct log_facts *facts, char *out, size_t cap)
{
    struct moment m = {.f = facts};
    char *at = out;
    const char *end = out + cap;
    for (const struct piece *p = f->pieces, *last = p + f->npieces; p < last; p++) {
        m.label = p->text;
        if (p->put == NULL || end - at < LOG_PUT_MAX + BRIEF) {
            at = put_piece(at, end, p, &m);
        } else {
            at = p->put(at, &m);
            memcpy(at, p->behind, BRIEF);
            at += p->len;
        }
    }
    return (size_t)(at - out);
}
