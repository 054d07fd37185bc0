/*
 * A `template` directive: which questions it is for, and what it answers. Immutable once read; matching from
 * any thread.
 */
#ifndef SEAMARK_TEMPLATE_TEMPLATE_RULE_H
#define SEAMARK_TEMPLATE_TEMPLATE_RULE_H

#include "base/regex.h"
#include "conf/args.h"
#include "dns/query.h"
#include "dns/reply.h"
#include "gotemplate/gotemplate.h"
#include "serve/zone_scope.h"
#include "template/template_expr.h"

#define TEMPLATE_PATTERNS_MAX 256 /* `match` expressions of one directive, each tried on every name */
#define TEMPLATE_RECORDS_MAX  256 /* records of one directive */

/* A key of .Group: a group's number, or its name. */
struct template_group {
    const char *key;
    unsigned group;
};

struct template_pattern {
    struct regex *regex;           /* NULL: matches everything, without groups */
    const char *text;              /* borrowed from the Corefile, or static */
    struct template_group *groups; /* in the order of their keys */
    size_t ngroups;
    char (*numbers)[12]; /* the keys that are numbers */
};

struct template_record {
    enum reply_section section;
    struct tpl *tpl;
};

struct template_rule {
    uint16_t qclass, qtype;            /* CLASS_ANY, RR_ANY: all of them */
    struct zone_list zones;            /* as text, for .Zone and the label "zone" */
    struct zone_scope scope;           /* the same zones as names */
    struct template_pattern *patterns; /* at least one */
    size_t npatterns;
    struct template_record *records; /* by section, in the order of the text */
    size_t nrecords;
    uint16_t rcode;
    int ede;              /* extended error code, -1: none */
    const char *ede_text; /* borrowed from the Corefile, or NULL */
    struct template_expressions expressions;
    struct zone_scope fallthrough;
};

/* Reads a directive of a block; ERR_CONFIG with `e` set, -ENOMEM. The rule is to be freed in any case. */
int template_rule_read(struct template_rule *rule, const struct directive *d, const struct server_block *b,
                       struct errtext *e);
void template_rule_free(struct template_rule *rule);

enum template_fit {
    TEMPLATE_OTHER,   /* not for this question, or it falls through: the next stage, please */
    TEMPLATE_REFUSES, /* its zone and type, but no expression matches and it does not fall through: SERVFAIL
                       */
    TEMPLATE_FITS,
};

/* What of a question a rule has found. */
struct template_match {
    size_t zone; /* index among rule->zones */
    const struct template_pattern *pattern;
    char name[NAME_MAX_TEXT]; /* the name in lower case */
    size_t name_len;
    struct regex_span spans[1 + REGEX_GROUPS_MAX];
    unsigned nspans;
};
enum template_fit template_rule_match(const struct template_rule *rule, const struct query *q,
                                      struct template_match *m);

#endif
