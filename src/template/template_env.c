#include "template/template_env.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "dns/rr.h"
#include "serve/answer.h"
#include "serve/config.h"
#include "serve/metadata.h"
#include "template/template_data.h"

#define FUNCTION(name)                                                                                       \
    static int name(struct expr_run *run, const void *ctx, const struct tpl_value *args, size_t nargs,       \
                    struct tpl_value *out)

/* A copy of `text` that stays as long as the values of the run. */
static int copy(struct expr_run *run, const char *text, size_t len, struct tpl_value *out)
{
    char *at = expr_alloc(run, len + 1);
    if (at == NULL)
        return ERR_LIMIT;
    memcpy(at, text, len);
    at[len] = '\0';
    *out = tpl_text(at, len);
    return ERR_OK;
}

/* ---- the question ---- */

#define TEXT_OF(name, expression)                                                                            \
    FUNCTION(name)                                                                                           \
    {                                                                                                        \
        const struct template_data *d = ctx;                                                                 \
        const struct request *r = d->r;                                                                      \
        char text[ADDRESS_TEXT_MAX];                                                                         \
        (void)args, (void)nargs, (void)r, (void)text;                                                        \
        const char *it = (expression);                                                                       \
        return copy(run, it, strlen(it), out);                                                               \
    }
#define NUMBER_OF(name, expression)                                                                          \
    FUNCTION(name)                                                                                           \
    {                                                                                                        \
        const struct request *r = ((const struct template_data *)ctx)->r;                                    \
        (void)run, (void)args, (void)nargs;                                                                  \
        *out = (expression);                                                                                 \
        return ERR_OK;                                                                                       \
    }

static const char *port_text(uint16_t port, char out[ADDRESS_TEXT_MAX])
{
    snprintf(out, ADDRESS_TEXT_MAX, "%u", port);
    return out;
}

/* Of a socket with one address r->local says nothing. */
static const char *server_text(const struct request *r, char out[ADDRESS_TEXT_MAX])
{
    union address local = request_local(r);
    return address_text(&local, out);
}

static int64_t buffer_size(const struct request *r)
{
    if (r->transport == TRANSPORT_TCP)
        return REPLY_CAP;
    return r->q.udp_size < 512 ? 512 : r->q.udp_size;
}

TEXT_OF(name_of, d->match->name)
TEXT_OF(type_of, rrtype_to_text(r->q.qtype, text))
TEXT_OF(class_of, class_to_text(r->q.qclass, text))
TEXT_OF(proto_of, r->transport == TRANSPORT_TCP ? "tcp" : "udp")
TEXT_OF(client_ip, address_text(&r->client, text))
TEXT_OF(client_port, port_text(address_port(&r->client), text))
TEXT_OF(server_ip, server_text(r, text))
TEXT_OF(server_port, port_text(r->route->listener->port, text))
NUMBER_OF(size_of, tpl_int(r->q.size))
NUMBER_OF(id_of, tpl_int(r->q.id))
NUMBER_OF(opcode_of, tpl_int(DNS_OPCODE(r->q.flags)))
NUMBER_OF(do_of, tpl_bool(r->q.dnssec_ok))
NUMBER_OF(bufsize_of, tpl_int(buffer_size(r)))

/* ---- others ---- */

FUNCTION(group_of)
{
    const struct template_data *d = ctx;
    struct tpl_value groups = {.type = &tpl_type_string_map,
                               .map = {.entries = d->groups, .len = d->match->pattern->ngroups}};
    struct tpl_value found = tpl_none;
    char number[24];
    (void)nargs;
    if (args[0].type == &tpl_type_string) {
        found = tpl_map_get(&groups, args[0].text.at, args[0].text.len);
    } else if (args[0].type == &tpl_type_int) {
        int len = snprintf(number, sizeof number, "%lld", (long long)args[0].integer);
        found = tpl_map_get(&groups, number, (size_t)len);
    }
    return found.type == NULL ? copy(run, "", 0, out) : copy(run, found.text.at, found.text.len, out);
}

FUNCTION(metadata_of)
{
    const struct template_data *d = ctx;
    char label[256], value[METADATA_VALUE_MAX];
    size_t len = args[0].text.len;
    int found = -1;
    (void)nargs;
    if (len < sizeof label && memchr(args[0].text.at, '\0', len) == NULL) {
        memcpy(label, args[0].text.at, len);
        label[len] = '\0';
        found = metadata_value(d->r, label, value, sizeof value);
    }
    return copy(run, value, found > 0 ? (size_t)found : 0, out);
}

/* An address in octets, IPv4 as the last four of sixteen; the number of its octets, 0 where it is none. */
static unsigned read_address(const char *text, size_t len, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copied[INET6_ADDRSTRLEN];
    if (len >= sizeof copied || memchr(text, '\0', len) != NULL)
        return 0;
    memcpy(copied, text, len);
    copied[len] = '\0';
    if (inet_pton(AF_INET, copied, out + 12) == 1) {
        memcpy(out, mapped, sizeof mapped);
        return 4;
    }
    if (inet_pton(AF_INET6, copied, out) != 1)
        return 0;
    return memcmp(out, mapped, sizeof mapped) == 0 ? 4 : 16;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned octets = bits / 8;
    if (memcmp(a, b, octets) != 0)
        return false;
    return bits % 8 == 0 || ((a[octets] ^ b[octets]) >> (8 - bits % 8)) == 0;
}

FUNCTION(in_cidr)
{
    const struct tpl_value *cidr = &args[1];
    const char *end = cidr->text.at + cidr->text.len;
    const char *slash = memchr(cidr->text.at, '/', cidr->text.len);
    uint8_t address[16], net[16];
    (void)ctx, (void)nargs;
    unsigned len = read_address(args[0].text.at, args[0].text.len, address), bits = 0;
    if (len == 0)
        return expr_fail(run, "first argument is not an IP address");
    unsigned net_len = slash == NULL ? 0 : read_address(cidr->text.at, (size_t)(slash - cidr->text.at), net);
    bool good = net_len > 0 && slash + 1 < end && end - slash <= 4;
    if (net_len == 4 && memchr(cidr->text.at, ':', (size_t)(slash - cidr->text.at)) != NULL)
        good = false; /* ::ffff:0:0/96: nobody means it */
    for (const char *p = good ? slash + 1 : end; p < end; p++) {
        good = good && *p >= '0' && *p <= '9';
        bits = bits * 10 + (unsigned)(*p - '0');
    }
    if (!good || bits > net_len * 8)
        return expr_fail(run, "invalid CIDR address: %.*s", (int)(cidr->text.len & 0x7F), cidr->text.at);
    *out = tpl_bool(len == net_len && same_bits(address + 16 - len, net + 16 - len, bits));
    return ERR_OK;
}

const struct expr_func template_functions[] = {
    {"name", "", &tpl_type_string, name_of},
    {"type", "", &tpl_type_string, type_of},
    {"class", "", &tpl_type_string, class_of},
    {"proto", "", &tpl_type_string, proto_of},
    {"client_ip", "", &tpl_type_string, client_ip},
    {"port", "", &tpl_type_string, client_port},
    {"server_ip", "", &tpl_type_string, server_ip},
    {"server_port", "", &tpl_type_string, server_port},
    {"size", "", &tpl_type_int, size_of},
    {"id", "", &tpl_type_int, id_of},
    {"opcode", "", &tpl_type_int, opcode_of},
    {"do", "", &tpl_type_bool, do_of},
    {"bufsize", "", &tpl_type_int, bufsize_of},
    {"group", "a", &tpl_type_string, group_of},
    {"metadata", "s", &tpl_type_string, metadata_of},
    {"incidr", "ss", &tpl_type_bool, in_cidr},
};
const size_t template_nfunctions = sizeof template_functions / sizeof *template_functions;
