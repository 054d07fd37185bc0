/* Reading a directive. */
#include "template/template_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/rr.h"
#include "dns/rrtype.h"
#include "serve/answer.h"

#define SHOWN 200 /* octets of a word in an error */

static const struct tpl_func functions[] = {{"parseInt", "sii", 0, tpl_call_parse_uint}};

static int wrong_count(const struct directive *d, const char *word, struct errtext *e)
{
    return args_error(e, "template", d, "Wrong argument count or unexpected line ending after '%.*s'", SHOWN,
                      word);
}

/* ---- match ---- */

static int compare_groups(const void *a, const void *b)
{
    const struct template_group *x = a, *y = b;
    return strcmp(x->key, y->key);
}

/* The keys of .Group: the numbers of all groups, and the names of those that have one. A name that is a
 * number takes its place, as in CoreDNS. */
static int name_groups(struct template_pattern *p)
{
    unsigned count = 1 + (p->regex == NULL ? 0 : regex_groups(p->regex));
    p->numbers = calloc(count, sizeof *p->numbers);
    p->groups = calloc(2 * count, sizeof *p->groups);
    if (p->numbers == NULL || p->groups == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        snprintf(p->numbers[i], sizeof p->numbers[i], "%u", i);
        p->groups[p->ngroups++] = (struct template_group){.key = p->numbers[i], .group = i};
    }
    for (unsigned i = 1; i < count; i++) {
        const char *name = regex_group_name(p->regex, i);
        size_t at = 0;
        while (name != NULL && at < count && strcmp(p->numbers[at], name) != 0)
            at++;
        if (name != NULL && at < count)
            p->groups[at].group = i;
        else if (name != NULL)
            p->groups[p->ngroups++] = (struct template_group){.key = name, .group = i};
    }
    qsort(p->groups, p->ngroups, sizeof *p->groups, compare_groups);
    return ERR_OK;
}

static struct template_pattern *add_pattern(struct template_rule *rule, const char *text)
{
    struct template_pattern *patterns = realloc(rule->patterns, (rule->npatterns + 1) * sizeof *patterns);
    if (patterns == NULL)
        return NULL;
    rule->patterns = patterns;
    patterns[rule->npatterns] = (struct template_pattern){.text = text};
    return &patterns[rule->npatterns++];
}

static int read_match(struct template_rule *rule, const struct directive *o, struct errtext *e)
{
    int ret = o->nargs == 0 ? wrong_count(o, o->name, e) : ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < o->nargs; i++) {
        struct errtext why = {0};
        size_t len = strlen(o->args[i]);
        if (rule->npatterns == TEMPLATE_PATTERNS_MAX)
            return args_error(e, "template", o, "more than %d expressions", TEMPLATE_PATTERNS_MAX);
        if (len > REGEX_PATTERN_MAX)
            return args_error(e, "template", o, "regex pattern too long: %zu > %d", len, REGEX_PATTERN_MAX);
        struct template_pattern *p = add_pattern(rule, o->args[i]);
        if (p == NULL)
            return -ENOMEM;
        ret = regex_new(p->text, &p->regex, &why);
        if (ret != ERR_OK && ret != -ENOMEM)
            return args_error(e, "template", o, "could not parse regex: %.*s, %s", SHOWN, p->text, why.text);
        if (ret == ERR_OK)
            ret = name_groups(p);
    }
    return ret;
}

/* ---- answer, additional, authority ---- */

static int read_records(struct template_rule *rule, const struct directive *o, enum reply_section section,
                        struct errtext *e)
{
    int ret = o->nargs == 0 ? wrong_count(o, o->name, e) : ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < o->nargs; i++) {
        struct errtext why = {0};
        struct tpl *tpl = NULL;
        if (rule->nrecords == TEMPLATE_RECORDS_MAX)
            return args_error(e, "template", o, "more than %d records", TEMPLATE_RECORDS_MAX);
        struct template_record *records = realloc(rule->records, (rule->nrecords + 1) * sizeof *records);
        if (records == NULL)
            return -ENOMEM;
        rule->records = records;
        ret = tpl_parse(o->name, o->args[i], strlen(o->args[i]), functions, 1, &tpl, &why);
        if (ret == -ENOMEM)
            return ret;
        if (ret != ERR_OK)
            return args_error(e, "template", o, "could not compile template: %.*s, %s", SHOWN,
                              o->args[o->nargs - 1], why.text);
        records[rule->nrecords++] = (struct template_record){.section = section, .tpl = tpl};
    }
    return ret;
}

/* A reply is written section by section. */
static void sort_records(struct template_rule *rule)
{
    for (size_t i = 1; i < rule->nrecords; i++) {
        struct template_record r = rule->records[i];
        size_t at = i;
        for (; at > 0 && rule->records[at - 1].section > r.section; at--)
            rule->records[at] = rule->records[at - 1];
        rule->records[at] = r;
    }
}

/* ---- the other options ---- */

static int read_rcode(struct template_rule *rule, const struct directive *o, struct errtext *e)
{
    static const struct {
        const char *name;
        uint16_t rcode;
    } others[] = {{"NOTIMPL", RCODE_NOTIMP}, {"BADSIG", RCODE_BADVERS}};
    if (o->nargs != 1)
        return wrong_count(o, o->nargs == 0 ? o->name : o->args[1], e);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(o->args[0], others[i].name) == 0) {
            rule->rcode = others[i].rcode;
            return ERR_OK;
        }
    for (uint16_t rcode = 0; rcode < RCODE_NAMES; rcode++) {
        const char *name = rcode_name(rcode);
        if (strcmp(o->args[0], name) == 0 && strncmp(name, "RCODE", 5) != 0 && rcode != RCODE_BADVERS) {
            rule->rcode = rcode;
            return ERR_OK;
        }
    }
    return args_error(e, "template", o, "unknown rcode %.*s", SHOWN, o->args[0]);
}

static int read_ederror(struct template_rule *rule, const struct directive *o, struct errtext *e)
{
    const char *last = o->nargs == 0 ? o->name : o->args[o->nargs - 1];
    if (o->nargs != 1 && o->nargs != 2)
        return wrong_count(o, last, e);
    uint32_t code = 0;
    bool bad = o->args[0][0] == '\0', large = false;
    for (const char *p = o->args[0]; *p != '\0' && !large; p++) {
        bad = bad || *p < '0' || *p > '9';
        code = code * 10 + (uint32_t)(*p - '0');
        large = !bad && code > UINT16_MAX;
    }
    if (bad || large)
        return args_error(
            e, "template", o,
            "error parsing extended DNS error code %.*s, strconv.ParseUint: parsing \"%.*s\": %s", SHOWN,
            last, SHOWN, o->args[0], bad ? "invalid syntax" : "value out of range");
    rule->ede = (int)code;
    rule->ede_text = o->nargs == 2 ? o->args[1] : NULL;
    return ERR_OK;
}

static int read_fallthrough(struct template_rule *rule, const struct directive *o, struct errtext *e)
{
    struct zone_list zones = {0};
    int ret = args_zones(e, "template", o, 0, NULL, &zones);
    zone_scope_free(&rule->fallthrough);
    if (ret == ERR_OK)
        ret = zone_scope_init_fallthrough(&rule->fallthrough, true, &zones);
    zone_list_free(&zones);
    return ret;
}

static int read_option(struct template_rule *rule, const struct directive *o, struct errtext *e)
{
    if (o->has_body)
        return args_error(e, "template", o, "unexpected '{' behind \"%.*s\"", SHOWN, o->name);
    if (strcmp(o->name, "match") == 0)
        return read_match(rule, o, e);
    if (strcmp(o->name, "answer") == 0)
        return read_records(rule, o, SECTION_ANSWER, e);
    if (strcmp(o->name, "additional") == 0)
        return read_records(rule, o, SECTION_ADDITIONAL, e);
    if (strcmp(o->name, "authority") == 0)
        return read_records(rule, o, SECTION_AUTHORITY, e);
    if (strcmp(o->name, "rcode") == 0)
        return read_rcode(rule, o, e);
    if (strcmp(o->name, "ederror") == 0)
        return read_ederror(rule, o, e);
    if (strcmp(o->name, "fallthrough") == 0)
        return read_fallthrough(rule, o, e);
    if (strcmp(o->name, "upstream") == 0)
        return ERR_OK; /* CoreDNS takes it and does nothing with it */
    if (strcmp(o->name, "var") == 0)
        return template_var_read(&rule->expressions, o, e);
    if (strcmp(o->name, "expr") == 0)
        return template_condition_read(&rule->expressions, o, e);
    return wrong_count(o, o->name, e);
}

/* CLASS TYPE [ZONE...] */
static int read_head(struct template_rule *rule, const struct directive *d, const struct server_block *b,
                     struct errtext *e)
{
    static const struct {
        const char *name;
        uint16_t class;
    } classes[] = {{"IN", CLASS_IN},     {"CS", 2},         {"CH", CLASS_CH}, {"HS", 4},
                   {"NONE", CLASS_NONE}, {"ANY", CLASS_ANY}};
    if (d->nargs < 1)
        return wrong_count(d, d->name, e);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(classes[i].name, d->args[0]) == 0)
            rule->qclass = classes[i].class;
    if (rule->qclass == 0)
        return args_error(e, "template", d, "invalid query class %.*s", SHOWN, d->args[0]);
    if (d->nargs < 2)
        return wrong_count(d, d->args[0], e);
    char text[16];
    rule->qtype = rrtype_from_text(d->args[1], strlen(d->args[1]));
    if (rrtype_info(rule->qtype) == NULL || strcmp(rrtype_to_text(rule->qtype, text), d->args[1]) != 0)
        return args_error(e, "template", d, "invalid RR class %.*s", SHOWN, d->args[1]);
    int ret = args_zones(e, "template", d, 2, b, &rule->zones);
    return ret == ERR_OK ? zone_scope_init(&rule->scope, &rule->zones) : ret;
}

int template_rule_read(struct template_rule *rule, const struct directive *d, const struct server_block *b,
                       struct errtext *e)
{
    *rule = (struct template_rule){.ede = -1};
    int ret = read_head(rule, d, b, e);
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_option(rule, &d->body[i], e);
    if (ret == ERR_OK && rule->npatterns == 0) {
        struct template_pattern *p = add_pattern(rule, ".*");
        ret = p == NULL ? -ENOMEM : name_groups(p);
    }
    sort_records(rule);
    return ret;
}

void template_rule_free(struct template_rule *rule)
{
    for (size_t i = 0; i < rule->npatterns; i++) {
        regex_free(rule->patterns[i].regex);
        free(rule->patterns[i].groups);
        free(rule->patterns[i].numbers);
    }
    for (size_t i = 0; i < rule->nrecords; i++)
        tpl_free(rule->records[i].tpl);
    template_expressions_free(&rule->expressions);
    free(rule->patterns);
    free(rule->records);
    zone_list_free(&rule->zones);
    zone_scope_free(&rule->scope);
    zone_scope_free(&rule->fallthrough);
}
