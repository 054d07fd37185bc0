/*
 * Runs kube_watch alone and prints what its sink hears, one line a call, for
 * tests/integration/test_kube_watch.py:
 *
 *   kube_watch_driver [-kubeconfig FILE [-context NAME]] [-endpoint URL [-tls CERT KEY CA]] [-pods]
 * [-noendpoints]
 *                     [-TIME VALUE]...      a field of struct kube_timing, such as -watch_idle_ms 500
 *
 * Lines: `list_begin services`, `put services default/web 42 cluster 10.0.0.1 http/TCP/80`, `remove services
 * default/web`, `list_end services 42`, `progress services 43`, `cluster UID`; log lines stand between them.
 * A line `status` on its stdin gives one `status KIND field=value...` a kind; the end of stdin ends it with
 * 0.
 */
#include <event2/event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sync/kube_watch.h"

static void print_ports(const struct kube_port *ports, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf(" %s/%s/%u", ports[i].name, ports[i].protocol, ports[i].port);
}

static void print_ips(const struct ip *ips, size_t count)
{
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < count; i++)
        printf(" %s", ip_to_text(&ips[i], text));
}

static void print_object(const struct kube_object *o)
{
    static const char *const types[] = {"cluster", "headless", "external"};
    switch (o->kind) {
    case KUBE_SERVICE:
    case KUBE_SERVICEIMPORT:
        printf(" %s", types[o->service.type]);
        print_ips(o->service.ips, o->service.nips);
        print_ports(o->service.ports, o->service.nports);
        printf("%s%s", o->service.external_name[0] == '\0' ? "" : " ", o->service.external_name);
        break;
    case KUBE_ENDPOINTSLICE:
        printf(" %s", o->slice.service);
        for (size_t i = 0; i < o->slice.nendpoints; i++) {
            print_ips(o->slice.endpoints[i].ips, o->slice.endpoints[i].nips);
            printf("%s", o->slice.endpoints[i].ready ? "" : "!");
        }
        print_ports(o->slice.ports, o->slice.nports);
        break;
    case KUBE_POD:
        print_ips(o->pod.ips, o->pod.nips);
        break;
    case KUBE_NAMESPACE:
        printf(" %s", o->uid);
        break;
    }
}

static void on_list_begin(void *ctx, enum kube_kind kind)
{
    (void)ctx;
    printf("list_begin %s\n", kube_kind_resource(kind));
}

static void on_put(void *ctx, struct kube_object *o)
{
    (void)ctx;
    printf("put %s %s/%s %s", kube_kind_resource(o->kind), o->namespace, o->name, o->resource_version);
    print_object(o);
    printf("\n");
    kube_object_free(o);
}

static void on_remove(void *ctx, enum kube_kind kind, const char *namespace, const char *name)
{
    (void)ctx;
    printf("remove %s %s/%s\n", kube_kind_resource(kind), namespace, name);
}

static void on_list_end(void *ctx, enum kube_kind kind, const char *version)
{
    (void)ctx;
    printf("list_end %s %s\n", kube_kind_resource(kind), version);
}

static void on_absent(void *ctx, enum kube_kind kind)
{
    (void)ctx;
    printf("absent %s\n", kube_kind_resource(kind));
}

static void on_progress(void *ctx, enum kube_kind kind, const char *version)
{
    (void)ctx;
    printf("progress %s %s\n", kube_kind_resource(kind), version);
}

static void on_cluster(void *ctx, const char *uid)
{
    (void)ctx;
    printf("cluster %s\n", uid);
}

static struct kube_watch *watch;

static void print_status(void)
{
    for (enum kube_kind kind = 0; kind < KUBE_KINDS; kind++) {
        struct kube_watch_status s;
        kube_watch_status(watch, kind, &s);
        printf(
            "status %s followed=%d listed=%d watching=%d silent_ms=%llu lists=%llu events=%llu left_out=%llu "
            "requests=%llu failures=%llu in_a_row=%u trouble=%s\n",
            kube_kind_resource(kind), s.followed, s.listed, s.watching,
            (unsigned long long)(s.heard_ms == 0 ? 0 : clock_ms() - s.heard_ms), (unsigned long long)s.lists,
            (unsigned long long)s.events, (unsigned long long)s.left_out, (unsigned long long)s.requests,
            (unsigned long long)s.failures, s.in_a_row, s.trouble);
    }
}

static void on_stdin(evutil_socket_t fd, short what, void *base)
{
    char word[64];
    (void)what;
    ssize_t n = read(fd, word, sizeof word - 1);
    if (n <= 0) {
        event_base_loopexit(base, NULL);
        return;
    }
    word[n] = '\0';
    if (strstr(word, "status") != NULL)
        print_status();
}

static uint32_t *timing_field(struct kube_timing *t, const char *name)
{
#define FIELD(field)                                                                                         \
    {                                                                                                        \
#field, offsetof(struct kube_timing, field)                                                          \
    }
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        FIELD(list_head_ms),     FIELD(list_idle_ms),         FIELD(watch_head_ms),
        FIELD(watch_idle_ms),    FIELD(watch_min_s),          FIELD(watch_max_s),
        FIELD(watch_steady_ms),  FIELD(unreachable_first_ms), FIELD(unreachable_most_ms),
        FIELD(refused_first_ms), FIELD(refused_most_ms),      FIELD(retry_after_most_s),
    };
#undef FIELD
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, name) == 0)
            return (uint32_t *)(void *)((char *)t + fields[i].offset);
    return NULL;
}

static int usage(const char *word)
{
    fprintf(stderr, "kube_watch_driver: unexpected %s\n", word);
    return 2;
}

static int read_options(char **argv, struct kubernetes_block *k, struct kube_timing *t)
{
    for (char **a = argv + 1; *a != NULL; a++) {
        uint32_t *field = timing_field(t, *a + 1);
        if (strcmp(*a, "-pods") == 0) {
            k->pods = PODS_VERIFIED;
        } else if (strcmp(*a, "-noendpoints") == 0) {
            k->noendpoints = true;
        } else if (a[1] == NULL) {
            return usage(*a);
        } else if (strcmp(*a, "-kubeconfig") == 0) {
            k->kubeconfig = *++a;
        } else if (strcmp(*a, "-context") == 0) {
            k->context = *++a;
        } else if (strcmp(*a, "-endpoint") == 0) {
            k->endpoint = *++a;
        } else if (strcmp(*a, "-tls") == 0 && a[2] != NULL && a[3] != NULL) {
            k->tls_cert = *++a;
            k->tls_key = *++a;
            k->tls_ca = *++a;
        } else if (field != NULL) {
            *field = (uint32_t)strtoul(*++a, NULL, 10);
        } else {
            return usage(*a);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct kube_sink sink = {NULL,        on_list_begin, on_put,      on_remove,
                                          on_list_end, on_absent,     on_progress, on_cluster};
    struct kubernetes_block k = {0};
    struct kube_timing timing = kube_timing_usual;
    struct errtext e = {{0}};
    (void)argc;
    setvbuf(stdout, NULL, _IOLBF, 0); /* log lines are written beside it, in their order */
    int ret = read_options(argv, &k, &timing);
    if (ret != 0)
        return ret;
    struct event_base *base = event_base_new();
    struct event *in =
        base == NULL ? NULL : event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, base);
    if (in == NULL || event_add(in, NULL) != 0)
        return 2;
    if (kube_watch_start_timed(base, &k, &sink, &timing, &watch, &e) == ERR_OK) {
        event_base_dispatch(base);
    } else {
        printf("error %s\n", e.text);
        ret = 1;
    }
    kube_watch_stop(watch);
    event_free(in);
    event_base_free(base);
    return ret;
}
