#include "template/template_series.h"

#include <stdlib.h>
#include <string.h>

#include "dns/rr.h"
#include "dns/rrtype.h"
#include "metrics/metrics.h"

/* The labels "class" and "type" are those of the question, and known beforehand where the rule is for one
 * class or type. Where it is for all, the label is a dimension: everything that has a name, and "". */

static const char *const class_names[] = {"", "IN", "CS", "CH", "HS", "NONE", "ANY"};
#define CLASSES (sizeof class_names / sizeof *class_names)

#define LOW_TYPES 262 /* types up to AMTRELAY; those with names above are few */
#define TYPES_MAX 128
static const char *type_names[TYPES_MAX];
static uint8_t type_index[LOW_TYPES];
static unsigned type_count;

struct template_series {
    const struct config *config;
    const struct template_rule *rule;
    size_t each;                    /* series of one listener and zone */
    const struct metric *metrics[]; /* by listener, zone, then: matches, and two failures for each record */
};

#define COUNTER(variable, name_, help_)                                                                      \
    static const struct metric_desc variable = {                                                             \
        .name = (name_), .help = (help_), .type = METRIC_COUNTER, .hide_zero = true}

COUNTER(matches_desc, "coredns_template_matches_total", "Counter of template regex matches.");
COUNTER(failures_desc, "coredns_template_template_failures_total", "Counter of go template failures.");
COUNTER(rr_failures_desc, "coredns_template_rr_failures_total", "Counter of mis-templated RRs.");

/* Control thread, before anybody counts. */
static void fill_names(void)
{
    if (type_count > 0)
        return;
    type_names[type_count++] = "";
    for (uint16_t type = 1; type < LOW_TYPES && type_count < TYPES_MAX; type++) {
        const struct rrtype_info *info = rrtype_info(type);
        if (info == NULL)
            continue;
        type_index[type] = (uint8_t)type_count;
        type_names[type_count++] = info->mnemonic;
    }
}

static unsigned class_index(uint16_t class)
{
    static const uint16_t classes[] = {0, CLASS_IN, 2, CLASS_CH, 4, CLASS_NONE, CLASS_ANY};
    for (unsigned i = 1; i < CLASSES; i++)
        if (classes[i] == class)
            return i;
    return 0;
}

static unsigned index_of(const struct template_rule *rule, const struct template_data *d)
{
    unsigned class = rule->qclass == CLASS_ANY ? class_index(d->class) : 0;
    unsigned type = rule->qtype == RR_ANY && d->type < LOW_TYPES ? type_index[d->type] : 0;
    return class * (rule->qtype == RR_ANY ? type_count : 1) + type;
}

static void register_zone(const struct template_rule *rule, const char *server, const char *zone,
                          const struct metric **out)
{
    static const char *const sections[] = {"answer", "authority", "additional"}; /* enum reply_section */
    char type[16];
    struct metric_label labels[] = {
        LABEL("server", server),
        LABEL("zone", zone),
        LABEL("view", ""),
        LABEL("class", class_names[class_index(rule->qclass)]),
        LABEL("type", rrtype_to_text(rule->qtype, type)),
        LABEL("section", ""),
        LABEL("template", ""),
    };
    if (rule->qclass == CLASS_ANY)
        labels[3] = (struct metric_label)LABEL_TABLE("class", class_names, CLASSES);
    if (rule->qtype == RR_ANY)
        labels[4] = (struct metric_label)LABEL_TABLE("type", type_names, type_count);
    *out++ = metrics_register(&matches_desc, labels, 5);
    for (size_t i = 0; i < rule->nrecords; i++) {
        labels[5].value = sections[rule->records[i].section];
        labels[6].value = tpl_text_of(rule->records[i].tpl);
        *out++ = metrics_register(&failures_desc, labels, 7);
        *out++ = metrics_register(&rr_failures_desc, labels, 7);
    }
}

static bool serves(const struct listener *l, const struct block *b)
{
    for (size_t i = 0; i < l->nroutes; i++)
        if (l->routes[i]->block == b)
            return true;
    return false;
}

struct template_series *template_series_new(const struct config *c, const struct block *b,
                                            const struct template_rule *rule)
{
    size_t each = 1 + 2 * rule->nrecords, zones = rule->zones.count;
    struct template_series *s = calloc(1, sizeof *s + c->nlisteners * zones * each * sizeof s->metrics[0]);
    if (s == NULL)
        return NULL;
    s->config = c;
    s->rule = rule;
    s->each = each;
    fill_names();
    for (size_t l = 0; l < c->nlisteners; l++)
        for (size_t z = 0; serves(&c->listeners[l], b) && z < zones; z++)
            register_zone(rule, c->listeners[l].label, rule->zones.zones[z],
                          &s->metrics[(l * zones + z) * each]);
    return s;
}

void template_series_free(struct template_series *s)
{
    free(s);
}

static void count(const struct template_series *s, const struct template_data *d, size_t which)
{
    size_t listener = (size_t)(d->r->route->listener - s->config->listeners);
    const struct metric *m = s->metrics[(listener * s->rule->zones.count + d->match->zone) * s->each + which];
    if (m != NULL)
        metrics_add(m, index_of(s->rule, d), 1);
}

void template_count_match(const struct template_series *s, const struct template_data *d)
{
    count(s, d, 0);
}

void template_count_failure(const struct template_series *s, const struct template_data *d, size_t record,
                            enum template_failure failure)
{
    count(s, d, 1 + 2 * record + (failure == TEMPLATE_RR_FAILED));
}
