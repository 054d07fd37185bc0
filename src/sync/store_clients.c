/* Who a client is: pods by their addresses, over all namespaces, and what is kept of them for that. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sync/store_p.h"

uint32_t store_pod_address_hash(const struct ip *ip)
{
    return store_hash(1, ip, sizeof *ip);
}

/* ---- what is kept of a pod ---- */

static const char *label_value(const struct kube_pod *pod, const char *key)
{
    for (size_t i = 0; i < pod->nlabels; i++)
        if (strcmp(pod->labels[i].key, key) == 0)
            return pod->labels[i].value;
    return NULL;
}

/* Writes the wanted labels to `out`, or only counts their octets where it is NULL. */
static size_t write_labels(const struct zone_list *wanted, const struct kube_pod *pod, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < wanted->count; i++) {
        const char *key = wanted->zones[i], *value = label_value(pod, key);
        if (value == NULL)
            continue;
        size_t key_len = strlen(key), value_len = strlen(value);
        if (out != NULL) {
            memcpy(out + size, key, key_len);
            out[size + key_len] = '=';
            memcpy(out + size + key_len + 1, value, value_len + 1);
        }
        size += key_len + value_len + 2;
    }
    if (out != NULL)
        out[size] = '\0';
    return size + 1;
}

int store_pack_detail(const struct store *s, const struct kube_object *o, struct pod_detail **out)
{
    *out = NULL;
    if (s->clients == NULL || (!s->clients->pods && s->clients->labels.count == 0) || o->pod.nips == 0)
        return ERR_OK;
    size_t size = write_labels(&s->clients->labels, &o->pod, NULL);
    struct pod_detail *detail = malloc(sizeof *detail + size);
    if (detail == NULL)
        return -ENOMEM;
    detail->size = (uint32_t)size; /* CLIENT_LABELS_MAX times two texts of KUBE_TEXT_MAX */
    write_labels(&s->clients->labels, &o->pod, detail->labels);
    *out = detail;
    return ERR_OK;
}

bool store_same_detail(const struct pod_detail *a, const struct pod_detail *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->size == b->size && memcmp(a->labels, b->labels, a->size) == 0;
}

void store_attach_detail(const struct store_pod *pod, struct pod_place *place, struct pod_detail *detail)
{
    place->detail = detail;
    if (detail == NULL)
        return;
    detail->pod = pod;
    LIST_INSERT_HEAD(&place->address->details, detail, in_address);
}

void store_detach_detail(struct pod_place *place)
{
    if (place->detail != NULL)
        LIST_REMOVE(place->detail, in_address);
    free(place->detail);
    place->detail = NULL;
}

/* ---- looking up ---- */

static const struct pod_detail *first_detail(const struct store_pod_address *a)
{
    const struct pod_detail *detail, *first = NULL;
    LIST_FOREACH(detail, &a->details, in_address)
    if (first == NULL || strcmp(detail->pod->name, first->pod->name) < 0)
        first = detail;
    return first;
}

bool store_find_client(const struct store *s, const struct ip *ip, struct store_client *out)
{
    uint32_t hash = store_pod_address_hash(ip);
    const struct store_pod_address *first = NULL;
    for (struct store_link *l = store_table_chain(&s->pod_addresses, hash); l != NULL; l = l->next) {
        const struct store_pod_address *a = store_entry(l, struct store_pod_address, link);
        if (l->hash == hash && memcmp(&a->ip, ip, sizeof *ip) == 0 && a->pods > 0 &&
            (first == NULL || strcmp(a->namespace->name, first->namespace->name) < 0))
            first = a;
    }
    if (first == NULL)
        return false;
    const struct pod_detail *detail = first_detail(first);
    *out = (struct store_client){.namespace = first->namespace->name,
                                 .pod = detail == NULL || !s->clients->pods ? NULL : detail->pod->name,
                                 .labels = detail == NULL ? "" : detail->labels};
    return true;
}

static int compare_ips(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ip));
}

int store_all_clients(const struct store *s, struct ip **out, size_t *count)
{
    struct ip *ips = malloc((s->pod_addresses.count + 1) * sizeof *ips);
    struct store_cursor cursor = {0};
    struct store_link *l;
    size_t n = 0, kept = 0;
    if (ips == NULL)
        return -ENOMEM;
    while (n < s->pod_addresses.count && (l = store_table_next(&s->pod_addresses, &cursor)) != NULL)
        ips[n++] = store_entry(l, struct store_pod_address, link)->ip;
    qsort(ips, n, sizeof *ips, compare_ips);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || compare_ips(&ips[kept - 1], &ips[i]) != 0)
            ips[kept++] = ips[i];
    *out = ips;
    *count = kept;
    return ERR_OK;
}
