/* Pods: kept only for `pods verified`, as a count of pods for each address of a namespace; what else is kept
 * of them is in store_clients.c. */
#include "sync/store_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sync/records_label.h"

static uint32_t pair_hash(const char *namespace, const void *key, size_t len)
{
    return store_hash(store_hash(1, namespace, strlen(namespace)), key, len);
}

struct store_pod *store_find_pod(const struct store *s, const char *namespace, const char *name)
{
    uint32_t hash = pair_hash(namespace, name, strlen(name));
    for (struct store_link *l = store_table_chain(&s->pods, hash); l != NULL; l = l->next) {
        struct store_pod *pod = store_entry(l, struct store_pod, link);
        if (l->hash == hash && strcmp(pod->name, name) == 0 && strcmp(pod->namespace->name, namespace) == 0)
            return pod;
    }
    return NULL;
}

static struct store_pod_address *find_address(const struct store *s, const struct store_namespace *n,
                                              const struct ip *ip)
{
    uint32_t hash = store_pod_address_hash(ip);
    for (struct store_link *l = store_table_chain(&s->pod_addresses, hash); l != NULL; l = l->next) {
        struct store_pod_address *a = store_entry(l, struct store_pod_address, link);
        if (l->hash == hash && a->namespace == n && memcmp(&a->ip, ip, sizeof *ip) == 0)
            return a;
    }
    return NULL;
}

bool store_has_pod_address(const struct store *s, const struct store_namespace *n, const struct ip *ip)
{
    return find_address(s, n, ip) != NULL;
}

static void tell(struct store *s, struct store_namespace *n, const struct ip *ip)
{
    if (s->listener.pod_address != NULL)
        s->listener.pod_address(s->listener.ctx, n, ip);
}

static struct store_pod_address *hold_address(struct store *s, struct store_namespace *n, const struct ip *ip)
{
    struct store_pod_address *a = find_address(s, n, ip);
    if (a == NULL) {
        a = calloc(1, sizeof *a);
        if (a == NULL)
            return NULL;
        tell(s, n, ip);
        a->namespace = n;
        a->ip = *ip;
        LIST_INIT(&a->details);
        LIST_INSERT_HEAD(&n->pod_addresses, a, in_namespace);
        store_table_add(&s->pod_addresses, &a->link, store_pod_address_hash(ip));
    }
    a->pods++;
    return a;
}

static void release_address(struct store *s, struct store_pod_address *a)
{
    if (a == NULL || --a->pods > 0)
        return;
    tell(s, a->namespace, &a->ip);
    store_table_remove(&s->pod_addresses, &a->link);
    LIST_REMOVE(a, in_namespace);
    free(a);
}

static void tell_client(struct store *s, const struct store_pod *pod)
{
    if (pod->address != NULL)
        store_tell_client(s, &pod->address->ip);
}

static struct store_pod *new_pod(struct store *s, const struct kube_object *o)
{
    size_t len = strlen(o->name) + 1;
    struct store_namespace *n = store_need_namespace(s, o->namespace);
    struct store_pod *pod = n == NULL ? NULL : calloc(1, sizeof *pod + len);
    if (pod == NULL) {
        if (n != NULL)
            store_drop_if_empty(s, n);
        return NULL;
    }
    memcpy(pod->name, o->name, len);
    pod->namespace = n;
    n->pods++;
    store_table_add(&s->pods, &pod->link, pair_hash(o->namespace, o->name, len - 1));
    return pod;
}

int store_put_pod(struct store *s, const struct kube_object *o)
{
    if (!label_is_name(o->namespace))
        return ERR_MALFORMED;
    struct store_pod *pod = store_find_pod(s, o->namespace, o->name);
    if (pod != NULL)
        pod->seen = s->list[KUBE_POD];
    if (o->pod.deleted)
        return ERR_OK; /* as CoreDNS: known, it stays until it is gone; unknown, it is not added */
    if (pod == NULL && s->pods.count >= STORE_OBJECTS_MAX)
        return ERR_LIMIT;
    if (pod == NULL && (pod = new_pod(s, o)) == NULL)
        return -ENOMEM;
    pod->seen = s->list[KUBE_POD];
    struct pod_detail *detail;
    if (store_pack_detail(s, o, &detail) != ERR_OK)
        return -ENOMEM;
    bool same_ip = pod->address != NULL && memcmp(&pod->address->ip, &o->pod.ip, sizeof o->pod.ip) == 0;
    if (same_ip && store_same_detail(pod->detail, detail)) {
        free(detail);
        return ERR_OK;
    }
    tell_client(s, pod);
    store_tell_client(s, &o->pod.ip);
    struct store_pod_address *a = NULL;
    if (o->pod.ip.family != 0 && (a = hold_address(s, pod->namespace, &o->pod.ip)) == NULL) {
        free(detail);
        return -ENOMEM;
    }
    store_set_detail(pod, detail, a);
    release_address(s, pod->address);
    pod->address = a;
    return ERR_OK;
}

void store_drop_pod(struct store *s, struct store_pod *pod)
{
    struct store_namespace *n = pod->namespace;
    tell_client(s, pod);
    store_set_detail(pod, NULL, NULL);
    release_address(s, pod->address);
    store_table_remove(&s->pods, &pod->link);
    free(pod);
    n->pods--;
    store_drop_if_empty(s, n);
}
