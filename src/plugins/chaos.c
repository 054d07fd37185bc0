/*
 * chaos: what runs here, as TXT records of class CH.
 *
 *     chaos [VERSION] [AUTHORS...]
 *
 * version.bind and version.server tell VERSION (`Seamark-` and the number without), hostname.bind and
 * id.server the name of the host, authors.bind one record an author, in random order. Other questions go on
 * to the stages below. Every block of a listener with `chaos` in one of them takes questions of classes other
 * than IN.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dns/rr.h"
#include "serve/config.h"
#include "serve/worker.h"

#define AUTHORS_MAX 64  /* of one directive */
#define TEXT_MAX    255 /* octets of a character-string (RFC 1035 section 3.3) */

struct chaos {
    const char *version; /* borrowed from the Corefile, or static */
    const char *const *authors;
    size_t nauthors;
    char host[TEXT_MAX + 1];
};

static const char *const own_authors[] = {"The authors of Seamark"};

static int chaos_setup(const struct plugin_setup *s, const struct directive *d, void **out, struct errtext *e)
{
    if (d->has_body)
        return args_error(e, "chaos", d, "expected no block");
    if (d->nargs > 1 + AUTHORS_MAX)
        return args_error(e, "chaos", d, "more than %d authors", AUTHORS_MAX);
    struct chaos *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->version = d->nargs > 0 ? d->args[0] : "Seamark-" SEAMARK_VERSION;
    c->authors = d->nargs > 1 ? d->args + 1 : own_authors;
    c->nauthors = d->nargs > 1 ? d->nargs - 1 : 1;
    if (gethostname(c->host, sizeof c->host - 1) < 0 || c->host[0] == '\0')
        memcpy(c->host, "localhost", sizeof "localhost");
    s->block->any_class = true;
    *out = c;
    return ERR_OK;
}

static void add_text(struct request *r, const char *text)
{
    uint8_t rdata[1 + TEXT_MAX];
    size_t len = strnlen(text, TEXT_MAX); /* what is longer is cut, as CoreDNS does */
    rdata[0] = (uint8_t)len;
    memcpy(rdata + 1, text, len);
    struct rr rr = {
        .owner = r->q.qname, .type = RR_TXT, .class = CLASS_CH, .rdlen = (uint16_t)(1 + len), .rdata = rdata};
    reply_add(r->reply, SECTION_ANSWER, &rr);
}

static void add_authors(const struct chaos *c, struct request *r)
{
    const char *order[AUTHORS_MAX];
    memcpy(order, c->authors, c->nauthors * sizeof *order);
    for (size_t left = c->nauthors; left > 0; left--) {
        size_t i = worker_random(r->worker) % left;
        add_text(r, order[i]);
        order[i] = order[left - 1];
    }
}

static enum verdict chaos_query(void *state, struct request *r)
{
    static const uint8_t version_bind[] = "\7version\4bind", version_server[] = "\7version\6server",
                         hostname_bind[] = "\10hostname\4bind", id_server[] = "\2id\6server",
                         authors_bind[] = "\7authors\4bind";
    const struct chaos *c = state;
    const uint8_t *name = r->q.lname;
    if (r->q.qclass != CLASS_CH || r->q.qtype != RR_TXT)
        return VERDICT_NEXT;
    if (name_equal(name, version_bind) || name_equal(name, version_server))
        add_text(r, c->version);
    else if (name_equal(name, hostname_bind) || name_equal(name, id_server))
        add_text(r, c->host);
    else if (name_equal(name, authors_bind))
        add_authors(c, r);
    else
        return VERDICT_NEXT;
    return VERDICT_ANSWERED;
}

/* The class IN is not its own. */
static bool chaos_express(void *state, struct express_plan *p)
{
    (void)state, (void)p;
    return true;
}

const struct plugin plugin_chaos = {
    .name = "chaos", .setup = chaos_setup, .free = free, .query = chaos_query, .express = chaos_express};
