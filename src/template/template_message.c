#include "template/template_message.h"

#include "dns/rr.h"
#include "serve/answer.h"
#include "template/template_data.h"

static const struct query *query_of(const void *object)
{
    return &((const struct template_data *)object)->r->q;
}

static struct tpl_value u16(uint16_t n)
{
    return (struct tpl_value){.type = &tpl_type_uint16, .natural = n};
}

/* ---- dns.Question ---- */

static struct tpl_value question_name(const void *object)
{
    const struct template_data *d = object;
    return tpl_text(d->qname, __builtin_strlen(d->qname));
}

static struct tpl_value question_type(const void *object)
{
    return u16(query_of(object)->qtype);
}

static struct tpl_value question_class(const void *object)
{
    return u16(query_of(object)->qclass);
}

static void question_text(const void *object, struct bytes *out)
{
    const struct template_data *d = object;
    char class[16], type[16];
    bytes_printf(out, ";%s\t%s\t %s", d->qname, class_to_text(d->r->q.qclass, class),
                 rrtype_to_text(d->r->q.qtype, type));
}

static const struct tpl_member question_members[] = {
    {.name = "Name", .get = question_name},
    {.name = "Qtype", .get = question_type},
    {.name = "Qclass", .get = question_class},
};
const struct tpl_type template_question_type = {
    .name = "dns.Question", .kind = TPL_STRUCT, .members = question_members, .nmembers = 3};
const struct tpl_type template_question_pointer = {.name = "*dns.Question",
                                                   .kind = TPL_STRUCT,
                                                   .members = question_members,
                                                   .nmembers = 3,
                                                   .text = question_text};
static const struct tpl_type question_list = {
    .name = "[]dns.Question", .kind = TPL_LIST, .elem = &template_question_type};

/* ---- *dns.OPT ---- */

#define METHOD(function, name_, expression)                                                                  \
    static int call_##function(struct tpl_run *run, const void *receiver, const struct tpl_value *args,      \
                               size_t nargs, struct tpl_value *out)                                          \
    {                                                                                                        \
        (void)run, (void)args, (void)nargs;                                                                  \
        const struct query *q = query_of(receiver);                                                          \
        *out = (expression);                                                                                 \
        return ERR_OK;                                                                                       \
    }                                                                                                        \
    static const struct tpl_func function = {(name_), "", 0, call_##function}

METHOD(opt_do, "Do", tpl_bool(q->dnssec_ok));
METHOD(opt_size, "UDPSize", u16(q->udp_size));
METHOD(opt_version, "Version", ((struct tpl_value){.type = &tpl_type_uint8, .natural = q->edns_version}));

static const struct tpl_member opt_members[] = {
    {.name = "Do", .method = &opt_do},
    {.name = "UDPSize", .method = &opt_size},
    {.name = "Version", .method = &opt_version},
};
static const struct tpl_type opt_type = {
    .name = "*dns.OPT", .kind = TPL_STRUCT, .members = opt_members, .nmembers = 3};

METHOD(is_edns0, "IsEdns0",
       q->has_edns ? ((struct tpl_value){.type = &opt_type, .object = receiver}) : tpl_none);

/* ---- *dns.Msg ---- */

#define FLAG_ZERO 0x0040 /* the bit of the header that is reserved (RFC 1035 section 4.1.1) */

#define FIELD(function, expression)                                                                          \
    static struct tpl_value function(const void *object)                                                     \
    {                                                                                                        \
        const struct query *q = query_of(object);                                                            \
        return (expression);                                                                                 \
    }

FIELD(message_id, u16(q->id))
FIELD(message_response, tpl_bool(q->flags &FLAG_QR))
FIELD(message_opcode, tpl_int(DNS_OPCODE(q->flags)))
FIELD(message_aa, tpl_bool(q->flags &FLAG_AA))
FIELD(message_tc, tpl_bool(q->flags &FLAG_TC))
FIELD(message_rd, tpl_bool(q->flags &FLAG_RD))
FIELD(message_ra, tpl_bool(q->flags &FLAG_RA))
FIELD(message_zero, tpl_bool(q->flags &FLAG_ZERO))
FIELD(message_ad, tpl_bool(q->flags &FLAG_AD))
FIELD(message_cd, tpl_bool(q->flags &FLAG_CD))
FIELD(message_rcode, tpl_int(q->flags & 15))

static struct tpl_value message_question(const void *object)
{
    const struct template_data *d = object;
    return (struct tpl_value){.type = &question_list, .list = {.items = d->questions, .len = 1, .cap = 1}};
}

static const struct tpl_member message_members[] = {
    {.name = "Id", .get = message_id},
    {.name = "Response", .get = message_response},
    {.name = "Opcode", .get = message_opcode},
    {.name = "Authoritative", .get = message_aa},
    {.name = "Truncated", .get = message_tc},
    {.name = "RecursionDesired", .get = message_rd},
    {.name = "RecursionAvailable", .get = message_ra},
    {.name = "Zero", .get = message_zero},
    {.name = "AuthenticatedData", .get = message_ad},
    {.name = "CheckingDisabled", .get = message_cd},
    {.name = "Rcode", .get = message_rcode},
    {.name = "Question", .get = message_question},
    {.name = "IsEdns0", .method = &is_edns0},
};
const struct tpl_type template_message_type = {.name = "*dns.Msg",
                                               .kind = TPL_STRUCT,
                                               .members = message_members,
                                               .nmembers = sizeof message_members / sizeof *message_members};
