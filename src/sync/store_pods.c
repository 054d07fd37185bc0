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

static void tell_clients(struct store *s, const struct store_pod *pod)
{
    for (size_t i = 0; i < KUBE_POD_IPS_MAX && pod->places[i].address != NULL; i++)
        store_tell_client(s, &pod->places[i].address->ip);
}

static void leave_place(struct store *s, struct pod_place *place)
{
    store_detach_detail(place);
    release_address(s, place->address);
    place->address = NULL;
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

/* What the pod's places are going to be: nothing of them is in the store yet. */
struct fresh_places {
    const struct kube_pod *from;
    struct pod_detail *details[KUBE_POD_IPS_MAX];
};

static void forget(struct fresh_places *fresh)
{
    for (size_t i = 0; i < KUBE_POD_IPS_MAX; i++)
        free(fresh->details[i]);
}

static int pack_places(const struct store *s, const struct kube_object *o, struct fresh_places *out)
{
    int ret = ERR_OK;
    *out = (struct fresh_places){.from = &o->pod};
    for (size_t i = 0; ret == ERR_OK && i < o->pod.nips; i++)
        ret = store_pack_detail(s, o, &out->details[i]);
    if (ret != ERR_OK)
        forget(out);
    return ret;
}

static bool same_places(const struct store_pod *pod, const struct fresh_places *fresh)
{
    for (size_t i = 0; i < KUBE_POD_IPS_MAX; i++) {
        const struct pod_place *place = &pod->places[i];
        const struct ip *ip = i < fresh->from->nips ? &fresh->from->ips[i] : NULL;
        if ((ip == NULL) != (place->address == NULL))
            return false;
        if (ip != NULL && (memcmp(&place->address->ip, ip, sizeof *ip) != 0 ||
                           !store_same_detail(place->detail, fresh->details[i])))
            return false;
    }
    return true;
}

/* Takes the details over. The addresses are held before the old ones go, so that one that stays is not taken
 * down and put up again. */
static int take_places(struct store *s, struct store_pod *pod, struct fresh_places *fresh)
{
    struct store_pod_address *held[KUBE_POD_IPS_MAX] = {0};
    const struct kube_pod *from = fresh->from;
    tell_clients(s, pod);
    for (size_t i = 0; i < from->nips; i++)
        store_tell_client(s, &from->ips[i]);
    for (size_t i = 0; i < from->nips; i++)
        if ((held[i] = hold_address(s, pod->namespace, &from->ips[i])) == NULL) {
            while (i-- > 0)
                release_address(s, held[i]);
            forget(fresh);
            return -ENOMEM;
        }
    for (size_t i = 0; i < KUBE_POD_IPS_MAX; i++) {
        leave_place(s, &pod->places[i]);
        pod->places[i].address = held[i];
        store_attach_detail(pod, &pod->places[i], fresh->details[i]);
    }
    return ERR_OK;
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
    struct fresh_places fresh;
    int ret = pack_places(s, o, &fresh);
    if (ret != ERR_OK || !same_places(pod, &fresh))
        return ret != ERR_OK ? ret : take_places(s, pod, &fresh);
    forget(&fresh);
    return ERR_OK;
}

void store_drop_pod(struct store *s, struct store_pod *pod)
{
    struct store_namespace *n = pod->namespace;
    tell_clients(s, pod);
    for (size_t i = 0; i < KUBE_POD_IPS_MAX; i++)
        leave_place(s, &pod->places[i]);
    store_table_remove(&s->pods, &pod->link);
    free(pod);
    n->pods--;
    store_drop_if_empty(s, n);
}
