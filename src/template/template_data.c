#include "template/template_data.h"

#include <string.h>

#include "dns/rr.h"
#include "dns/rrtype.h"
#include "serve/answer.h"
#include "serve/metadata.h"
#include "template/template_message.h"

static struct tpl_value text_of(const char *text)
{
    return tpl_text(text, strlen(text));
}

static struct tpl_value zone_of(const void *object)
{
    const struct template_data *d = object;
    return text_of(d->rule->zones.zones[d->match->zone]);
}

static struct tpl_value name_of(const void *object)
{
    const struct template_data *d = object;
    return tpl_text(d->match->name, d->match->name_len);
}

static struct tpl_value regex_of(const void *object)
{
    const struct template_data *d = object;
    return text_of(d->match->pattern->text);
}

static struct tpl_value match_of(const void *object)
{
    const struct template_data *d = object;
    return (struct tpl_value){
        .type = &tpl_type_strings,
        .list = {.items = d->matches, .len = d->match->nspans, .cap = d->match->nspans}};
}

static struct tpl_value group_of(const void *object)
{
    const struct template_data *d = object;
    return (struct tpl_value){.type = &tpl_type_string_map,
                              .map = {.entries = d->groups, .len = d->match->pattern->ngroups}};
}

static struct tpl_value class_of(const void *object)
{
    const struct template_data *d = object;
    return text_of(d->class_text);
}

static struct tpl_value type_of(const void *object)
{
    const struct template_data *d = object;
    return text_of(d->type_text);
}

static struct tpl_value message_of(const void *object)
{
    return (struct tpl_value){.type = &template_message_type, .object = object};
}

static struct tpl_value question_of(const void *object)
{
    return (struct tpl_value){.type = &template_question_pointer, .object = object};
}

static struct tpl_value remote_of(const void *object)
{
    const struct template_data *d = object;
    return text_of(d->remote);
}

static struct tpl_value var_of(const void *object)
{
    const struct template_data *d = object;
    return (struct tpl_value){.type = &tpl_type_any_map, .map = {.entries = d->vars, .len = d->nvars}};
}

/* .Meta "plugin/label": what a plugin knows of the request, or nothing. */
static int call_meta(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                     struct tpl_value *out)
{
    const struct template_data *d = receiver;
    char label[256];
    size_t len = args[0].text.len;
    (void)nargs;
    *out = tpl_text("", 0);
    if (len >= sizeof label || memchr(args[0].text.at, '\0', len) != NULL)
        return ERR_OK; /* no label is like that */
    memcpy(label, args[0].text.at, len);
    label[len] = '\0';
    char *value = tpl_alloc(run, METADATA_VALUE_MAX);
    if (value == NULL)
        return ERR_LIMIT;
    int found = metadata_value(d->r, label, value, METADATA_VALUE_MAX);
    if (found > 0)
        *out = tpl_text(value, (size_t)found);
    return ERR_OK;
}
static const struct tpl_func meta = {"Meta", "s", 0, call_meta};

static const struct tpl_member members[] = {
    {.name = "Zone", .get = zone_of},         {.name = "Name", .get = name_of},
    {.name = "Regex", .get = regex_of},       {.name = "Match", .get = match_of},
    {.name = "Group", .get = group_of},       {.name = "Class", .get = class_of},
    {.name = "Type", .get = type_of},         {.name = "Message", .get = message_of},
    {.name = "Question", .get = question_of}, {.name = "Remote", .get = remote_of},
    {.name = "Var", .get = var_of},           {.name = "Meta", .method = &meta},
};
static const struct tpl_type data_type = {.name = "*template.templateData",
                                          .kind = TPL_STRUCT,
                                          .members = members,
                                          .nmembers = sizeof members / sizeof *members};

/* As miekg/dns has it: nothing for what has no name. */
static void name_class_and_type(struct template_data *d)
{
    class_to_text(d->class, d->class_text);
    if (d->class == 2)
        memcpy(d->class_text, "CS", 3);
    else if (strncmp(d->class_text, "CLASS", 5) == 0)
        d->class_text[0] = '\0';
    rrtype_to_text(d->type, d->type_text);
    if (rrtype_info(d->type) == NULL)
        d->type_text[0] = '\0';
}

static struct tpl_value span_text(const struct template_match *m, unsigned group)
{
    const struct regex_span *s = &m->spans[group];
    return s->set ? tpl_text(m->name + s->at, s->len) : tpl_text("", 0);
}

void template_data_init(struct template_data *d, const struct request *r, const struct template_rule *rule,
                        const struct template_match *match)
{
    d->r = r;
    d->rule = rule;
    d->match = match;
    d->nvars = 0;
    d->class = r->q.qclass != CLASS_ANY ? r->q.qclass : rule->qclass;
    d->type = r->q.qtype != RR_ANY ? r->q.qtype : rule->qtype;
    name_class_and_type(d);
    address_text(&r->client, d->remote);
    name_to_text(r->q.qname, d->qname);
    for (unsigned i = 0; i < match->nspans; i++)
        d->matches[i] = span_text(match, i);
    for (size_t i = 0; i < match->pattern->ngroups; i++) {
        const struct template_group *group = &match->pattern->groups[i];
        d->groups[i] = (struct tpl_entry){
            .key = group->key, .key_len = strlen(group->key), .value = span_text(match, group->group)};
    }
    d->questions[0] = (struct tpl_value){.type = &template_question_type, .object = d};
}

struct tpl_value template_data_value(const struct template_data *d)
{
    return (struct tpl_value){.type = &data_type, .object = d};
}
