/*
 * hosts: answers from a hosts file and from lines of the same form in the configuration.
 *
 *     hosts [FILE [ZONES...]] {
 *         ADDRESS NAME...
 *         ttl SECONDS
 *         no_reverse
 *         reload DURATION
 *         fallthrough [ZONES...]
 *         fallthrough_unsupported
 *     }
 *
 * FILE is /etc/hosts without; ZONES, those of the server block. TTL 3600 (1 to 65535). The file is looked at
 * every 5s (0: never) and read again when its time, size or place on disk changed; while it cannot be read
 * the last content stays. A, AAAA and, in all zones unless no_reverse, PTR. A name that is not in the file is
 * SERVFAIL, or goes on to the next plugin with fallthrough; other types of a name of the file are NODATA, of
 * other names as A. With fallthrough_unsupported they go on in every case. Example: `hosts
 * /etc/coredns/NodeHosts { ttl 60; reload 15s; fallthrough }`, each option on its line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/rcu.h"
#include "serve/control.h"
#include "serve/express_plan.h"
#include "serve/hosts_file.h"
#include "serve/plugin.h"

#define INLINE_MAX    (1 << 20) /* of the lines in the configuration */
#define RELOAD_MAX_MS (366 * 86400000LL)

struct hosts {
    uint32_t ttl;
    int64_t reload_ms;
    struct hosts_scope scope;
    struct zone_scope fallthrough;
    bool fallthrough_unsupported;
    struct bytes lines;          /* of the configuration, while it is read */
    struct hosts_table *inlined; /* may be empty, never NULL */
    struct hosts_file file;
};

/* ---- the directive ---- */

static void hosts_free(void *state)
{
    struct hosts *h = state;
    bytes_free(&h->lines);
    hosts_table_free(h->inlined);
    hosts_file_free(&h->file);
    zone_scope_free(&h->scope.names);
    zone_scope_free(&h->fallthrough);
    free(h);
}

/* FILE's zones, or those of the block's keys. */
static int read_zones(struct hosts *h, const struct directive *d, const struct server_block *b,
                      struct errtext *e)
{
    struct zone_list list = {0};
    int ret = args_zones(e, "hosts", d, 1, b, &list);
    if (ret == ERR_OK)
        ret = zone_scope_init(&h->scope.names, &list);
    zone_list_free(&list);
    return ret;
}

static int read_fallthrough(struct hosts *h, const struct directive *o, struct errtext *e)
{
    struct zone_list list = {0};
    zone_scope_free(&h->fallthrough);
    int ret = args_zones(e, "hosts", o, 0, NULL, &list);
    if (ret == ERR_OK)
        ret = zone_scope_init_fallthrough(&h->fallthrough, true, &list);
    zone_list_free(&list);
    return ret;
}

static bool is_address(const char *word)
{
    char text[64];
    uint8_t octets[16];
    size_t len = strcspn(word, "%");
    if (len >= sizeof text)
        return false;
    memcpy(text, word, len);
    text[len] = '\0';
    return inet_pton(AF_INET, text, octets) == 1 || inet_pton(AF_INET6, text, octets) == 1;
}

static int read_entry(struct hosts *h, const struct directive *o, struct errtext *e)
{
    if (h->fallthrough.count > 0 || !is_address(o->name))
        return args_error(e, "hosts", o, "unknown property '%s'%s", o->name,
                          is_address(o->name) ? " (entries stand before fallthrough)" : "");
    bytes_append_str(&h->lines, o->name);
    for (size_t i = 0; i < o->nargs; i++) {
        uint8_t name[NAME_MAX_LEN];
        if (name_from_text(o->args[i], strlen(o->args[i]), name) < 0)
            return args_error(e, "hosts", o, "'%s' is not a domain name", o->args[i]);
        bytes_printf(&h->lines, " %s", o->args[i]);
    }
    bytes_append_str(&h->lines, "\n");
    return h->lines.error == ERR_LIMIT
               ? args_error(e, "hosts", o, "more than %d octets of entries", INLINE_MAX)
               : h->lines.error;
}

static int read_option(struct hosts *h, const struct directive *o, struct errtext *e)
{
    int ret = ERR_OK;
    if (strcmp(o->name, "ttl") == 0) {
        uint64_t ttl = 0;
        ret = args_count(e, "hosts", o, 1, 1);
        if (ret == ERR_OK)
            ret = args_uint(e, "hosts", o, o->args[0], 1, 65535, &ttl);
        h->ttl = (uint32_t)ttl;
    } else if (strcmp(o->name, "reload") == 0) {
        ret = args_count(e, "hosts", o, 1, 1);
        if (ret == ERR_OK)
            ret = args_duration(e, "hosts", o, o->args[0], 0, RELOAD_MAX_MS, &h->reload_ms);
    } else if (strcmp(o->name, "no_reverse") == 0) {
        ret = args_count(e, "hosts", o, 0, 0);
        h->scope.reverse = false;
    } else if (strcmp(o->name, "fallthrough_unsupported") == 0) {
        ret = args_count(e, "hosts", o, 0, 0);
        h->fallthrough_unsupported = true;
    } else if (strcmp(o->name, "fallthrough") == 0) {
        ret = read_fallthrough(h, o, e);
    } else {
        ret = read_entry(h, o, e);
    }
    return ret;
}

/* CoreDNS refuses a file that is there and cannot be looked at, and only warns of one that is not there. */
static int check_file(const struct hosts *h, const struct directive *d, struct errtext *e)
{
    struct stat st;
    if (d->nargs == 0)
        return ERR_OK;
    if (stat(h->file.path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            log_warning("plugin/hosts: Hosts file \"%s\" is a directory", h->file.path);
        return ERR_OK;
    }
    if (errno != ENOENT)
        return args_error(e, "hosts", d, "unable to access hosts file '%s': %s", h->file.path,
                          strerror(errno));
    log_warning("plugin/hosts: File does not exist: %s", h->file.path);
    return ERR_OK;
}

static int read_directive(struct hosts *h, const struct plugin_setup *s, const struct directive *d,
                          struct errtext *e)
{
    int ret = read_zones(h, d, s->source, e);
    if (ret == ERR_OK)
        ret = check_file(h, d, e);
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_option(h, &d->body[i], e);
    if (ret == ERR_OK && h->fallthrough_unsupported && h->fallthrough.count == 0)
        ret = args_error(e, "hosts", d, "fallthrough_unsupported requires fallthrough");
    if (ret == ERR_OK)
        ret = hosts_table_read(h->lines.data == NULL ? "" : h->lines.data, h->lines.len, &h->scope,
                               &h->inlined);
    if (ret == ERR_OK)
        h->file.other_entries = hosts_table_entries(h->inlined);
    bytes_free(&h->lines);
    return ret;
}

static int hosts_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                       struct errtext *e)
{
    struct hosts *h = calloc(1, sizeof *h);
    if (h == NULL)
        return -ENOMEM;
    h->file.path = d->nargs > 0 ? d->args[0] : "/etc/hosts";
    h->file.scope = &h->scope;
    h->ttl = 3600;
    h->reload_ms = 5000;
    h->scope.reverse = true;
    bytes_init(&h->lines, INLINE_MAX);
    int ret = read_directive(h, s, d, e);
    if (ret != ERR_OK) {
        hosts_free(h);
        return ret;
    }
    *state = h;
    return ERR_OK;
}

static int hosts_start(void *state, struct errtext *e)
{
    struct hosts *h = state;
    int ret = hosts_file_start(&h->file, control_base(), h->reload_ms, e);
    return ret == ERR_OK ? ret : errtext_set(e, ret, "plugin/hosts: no memory");
}

static void hosts_stop(void *state)
{
    struct hosts *h = state;
    hosts_file_stop(&h->file);
}

/* ---- the answer ---- */

static bool name_exists(const struct hosts_table *t, const uint8_t *lname)
{
    return t != NULL &&
           (hosts_addresses(t, lname, false).count > 0 || hosts_addresses(t, lname, true).count > 0);
}

static void add_record(struct request *r, const struct hosts *h, uint16_t type, const uint8_t *rdata,
                       size_t rdlen)
{
    struct rr rr = {.owner = r->q.lname,
                    .type = type,
                    .class = CLASS_IN,
                    .ttl = h->ttl,
                    .rdlen = (uint16_t)rdlen,
                    .rdata = rdata};
    reply_add(r->reply, SECTION_ANSWER, &rr);
}

static void add_addresses(struct request *r, const struct hosts *h, const struct hosts_table *t, bool six)
{
    struct hosts_run run = {0};
    if (t != NULL)
        run = hosts_addresses(t, r->q.lname, six);
    for (size_t i = 0; i < run.count && !r->reply->overflow; i++)
        add_record(r, h, six ? RR_AAAA : RR_A, hosts_address(&run, i), six ? 16 : 4);
}

static void add_names(struct request *r, const struct hosts *h, const struct hosts_table *t)
{
    uint8_t address[16];
    bool six;
    if (t == NULL || !hosts_reverse_address(r->q.lname, address, &six))
        return;
    struct hosts_run run = hosts_names(t, address, six);
    for (size_t i = 0; i < run.count && !r->reply->overflow; i++)
        add_record(r, h, RR_PTR, hosts_name(&run, i), name_len(hosts_name(&run, i)));
}

static enum verdict answered(struct request *r)
{
    r->reply->flags |= FLAG_AA;
    return VERDICT_ANSWERED;
}

/* With one state of the file, `t`, from beginning to end. */
static enum verdict answer_from(struct request *r, const struct hosts *h, const struct hosts_table *t)
{
    switch (r->q.qtype) {
    case RR_PTR:
        /* Addresses are not among the zones; and what is not known goes on, with fallthrough or without. */
        add_names(r, h, t);
        add_names(r, h, h->inlined);
        return r->reply->nrecords > 0 ? answered(r) : VERDICT_NEXT;
    case RR_A:
    case RR_AAAA:
        add_addresses(r, h, t, r->q.qtype == RR_AAAA);
        add_addresses(r, h, h->inlined, r->q.qtype == RR_AAAA);
        break;
    default:
        if (h->fallthrough_unsupported && zone_scope_has(&h->fallthrough, r->q.lname))
            return VERDICT_NEXT;
        break;
    }
    if (r->reply->nrecords > 0 || name_exists(t, r->q.lname) || name_exists(h->inlined, r->q.lname))
        return answered(r);
    if (zone_scope_has(&h->fallthrough, r->q.lname))
        return VERDICT_NEXT;
    /* NXDOMAIN needs a SOA, which a hosts file does not have. */
    r->reply->rcode = RCODE_SERVFAIL;
    return VERDICT_ANSWERED;
}

static enum verdict hosts_query(void *state, struct request *r)
{
    const struct hosts *h = state;
    if (r->q.qtype != RR_PTR && !zone_scope_has(&h->scope.names, r->q.lname))
        return VERDICT_NEXT;
    rcu_reader_begin();
    enum verdict verdict = answer_from(r, h, hosts_file_table(&h->file));
    rcu_reader_end();
    return verdict;
}

/* ---- the short way ---- */

static bool knows_address(const struct hosts_table *t, const uint8_t *address, bool six)
{
    return t != NULL && hosts_names(t, address, six).count > 0;
}

static bool knows_name(const struct hosts_table *t, const uint8_t *lname, size_t len, uint64_t hash)
{
    return t != NULL && hosts_table_has(t, lname, len, hash);
}

/* Whether answer_from() would not go on, or not for every type. */
static bool hosts_claims(void *state, const uint8_t *lname, size_t len, uint64_t hash, uint16_t qtype)
{
    const struct hosts *h = state;
    const struct hosts_table *t = hosts_file_table(&h->file);
    uint8_t address[16];
    bool six;
    if (qtype == RR_PTR)
        return hosts_reverse_address(lname, address, &six) &&
               (knows_address(t, address, six) || knows_address(h->inlined, address, six));
    return zone_scope_has(&h->scope.names, lname) &&
           (knows_name(t, lname, len, hash) || knows_name(h->inlined, lname, len, hash) ||
            !zone_scope_has(&h->fallthrough, lname));
}

static bool hosts_express(void *state, struct express_plan *p)
{
    p->claims = hosts_claims;
    p->claims_state = state;
    return true;
}

const struct plugin plugin_hosts = {
    .name = "hosts",
    .setup = hosts_setup,
    .free = hosts_free,
    .start = hosts_start,
    .stop = hosts_stop,
    .query = hosts_query,
    .express = hosts_express,
};
