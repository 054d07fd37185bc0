#include "sync/records_ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sync/records_p.h"

static const uint8_t no_name[] = "\1_", tcp[] = "\4_tcp";

static bool same_label(const uint8_t *a, const uint8_t *b)
{
    return a[0] == b[0] && memcmp(a + 1, b + 1, a[0]) == 0;
}

static int compare_labels(const uint8_t *a, const uint8_t *b)
{
    return a[0] != b[0] ? a[0] - b[0] : memcmp(a + 1, b + 1, a[0]);
}

static const uint8_t *port_label(const struct port_list *l, const struct store_port *port)
{
    return port->prefix_len > 0 ? store_at(l->data, port->prefix) : no_name;
}

static const uint8_t *protocol_label(const struct port_list *l, const struct store_port *port)
{
    const uint8_t *first = port->prefix > 0 ? store_at(l->data, port->prefix) : tcp;
    return port->prefix_len > 0 ? first + 1 + first[0] : first;
}

static bool is_exact(const struct port_pick *pick)
{
    return pick->port != NULL && pick->protocol != NULL;
}

const struct store_port *port_list_range(const struct port_list *l, const struct port_pick *pick,
                                         size_t *count)
{
    *count = l->count;
    if (!is_exact(pick))
        return l->ports;
    uint8_t prefix[2 * (1 + NAME_MAX_LABEL)];
    size_t first = 1u + pick->port[0], second = 1u + pick->protocol[0];
    memcpy(prefix, pick->port, first);
    memcpy(prefix + first, pick->protocol, second);
    return l->ports + store_find_ports(l->data, l->ports, l->count, prefix, first + second, count);
}

bool port_fits(const struct port_list *l, const struct store_port *port, const struct port_pick *pick)
{
    return (pick->port == NULL || same_label(pick->port, port_label(l, port))) &&
           (pick->protocol == NULL || same_label(pick->protocol, protocol_label(l, port)));
}

uint64_t port_list_matches(const struct port_list *l, const struct port_pick *pick)
{
    size_t count;
    uint64_t matches = 0;
    const struct store_port *ports = port_list_range(l, pick, &count);
    for (size_t i = 0; i < count; i++)
        matches += port_fits(l, &ports[i], pick);
    return l->count == 0 && pick->port == NULL && pick->protocol == NULL ? 1 : matches;
}

bool port_pick_of(const struct port_list *l, const struct store_port *port, struct port_pick *out)
{
    *out = (struct port_pick){port_label(l, port), protocol_label(l, port)};
    return port->prefix_len > 0;
}

int port_pick_compare(const struct port_pick *a, const struct port_pick *b)
{
    int order = compare_labels(a->port, b->port);
    return order != 0 ? order : compare_labels(a->protocol, b->protocol);
}

bool port_pick_owner(const struct port_pick *pick, const uint8_t *base, uint8_t out[NAME_MAX_LEN])
{
    uint8_t prefix[2 * (1 + NAME_MAX_LABEL)];
    const uint8_t *labels[] = {pick->port != NULL ? pick->port : no_name,
                               pick->protocol != NULL ? pick->protocol : no_name};
    size_t len = 0;
    for (unsigned i = 0; i < 2; i++) {
        memcpy(prefix + len, labels[i], 1u + labels[i][0]);
        len += 1u + labels[i][0];
    }
    return records_prepend_wire(out, prefix, len, base);
}

/* ---- names with an empty part ---- */

/* True where every port is of one protocol, the one of the first, and the server can tell which. */
static bool is_plain(const struct port_list *lists, size_t count)
{
    const uint8_t *only = NULL;
    bool named = false, bare = false;
    for (size_t i = 0; i < count; i++) {
        bare = bare || lists[i].count == 0;
        for (size_t p = 0; p < lists[i].count; p++) {
            const struct store_port *port = &lists[i].ports[p];
            const uint8_t *protocol = protocol_label(&lists[i], port);
            if (only != NULL && !same_label(only, protocol))
                return false;
            only = protocol;
            named = named || port->prefix_len > 0;
        }
    }
    return only == NULL || (!bare && (named || same_label(only, tcp)));
}

static int compare_by_name(const void *a, const void *b)
{
    return port_pick_compare(a, b);
}

static int compare_by_protocol(const void *a, const void *b)
{
    const struct port_pick *x = a, *y = b;
    return compare_labels(x->protocol, y->protocol);
}

static struct port_pick *collect(const struct port_list *lists, size_t count, size_t *total)
{
    size_t all = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        all += lists[i].count;
    struct port_pick *picks = calloc(all + 1, sizeof *picks);
    for (size_t i = 0; picks != NULL && i < count; i++)
        for (size_t p = 0; p < lists[i].count; p++)
            port_pick_of(&lists[i], &lists[i].ports[p], &picks[n++]);
    *total = n;
    return picks;
}

int records_open_names(const struct port_list *lists, size_t count, struct port_pick out[RECORDS_OPEN_MAX])
{
    if (is_plain(lists, count))
        return 0;
    size_t total;
    int n = 0;
    struct port_pick *picks = collect(lists, count, &total);
    if (picks == NULL)
        return -ENOMEM;
    qsort(picks, total, sizeof *picks, compare_by_protocol);
    for (size_t i = 0; i < total && n < RECORDS_OPEN_MAX; i++)
        if (i == 0 || compare_by_protocol(&picks[i - 1], &picks[i]) != 0)
            out[n++] = (struct port_pick){NULL, picks[i].protocol};
    qsort(picks, total, sizeof *picks, compare_by_name);
    for (size_t i = 1; i < total && n < RECORDS_OPEN_MAX; i++) {
        bool two = same_label(picks[i - 1].port, picks[i].port) &&
                   !same_label(picks[i - 1].protocol, picks[i].protocol);
        bool known = n > 0 && out[n - 1].port != NULL && same_label(out[n - 1].port, picks[i].port);
        if (two && !known && !same_label(picks[i].port, no_name))
            out[n++] = (struct port_pick){picks[i].port, NULL};
    }
    free(picks);
    return n;
}
