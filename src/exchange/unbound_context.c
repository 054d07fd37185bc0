/*
 * libunbound's traps in making contexts, and where they are met here:
 *
 *   creating, configuring, finalising and deleting contexts in two threads at once crashes     library_lock
 *   a context is finalised at its first question                                               finalise()
 *   `directory:` calls chdir() on the process; TLS options send in the clear        never written
 * (unbound_refusal.c)
 */
#include "exchange/unbound_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include "dns/rr.h"
#include "exchange/unbound_log.h"

/* UDP questions that one context has in the air at once; more wait inside the library. 256 of them at 50 ms
 * round trip are 5,000 a second for one worker and upstream. About 1 KiB each. */
#define OUTGOING_RANGE 256
/* TCP connections of one context; each has a buffer of 64 KiB once it is used, and carries many questions. */
#define OUTGOING_TCP 4
/* Sends of one question before the library gives up: at 0, 800 and 2,400 ms to an upstream not yet known
 * (base_config), so that one that takes 1.5 s is waited for and read_timeout (2 s) comes first; and at most 3
 * packets for an upstream that answers SERVFAIL. */
#define SENDS 3

/* A name that only the library's own table knows: asking for it finalises a new context without a packet. The
 * zone is removed again at once. */
#define FINALISE_NAME "finalise.seamark.invalid."

/* The library's parser of configurations and some of its set-up have global state. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- configuration ---- */

/* Of every context. What libunbound keeps for the whole process stands here alone, so that it is the same for
 * all. */
static const char common_config[] = "server:\n"
                                    "  verbosity: 0\n"
                                    "  msg-cache-slabs: 1\n"
                                    "  rrset-cache-slabs: 1\n"
                                    "  key-cache-slabs: 1\n"
                                    "  infra-cache-slabs: 1\n"
                                    "  infra-keep-probing: yes\n"
                                    "  unknown-server-time-limit: 800\n"
                                    "  harden-below-nxdomain: no\n"
                                    "  do-not-query-localhost: no\n"
                                    "  minimal-responses: no\n"
                                    "  rrset-roundrobin: no\n"
                                    "  serve-expired: no\n"
                                    "  prefetch: no\n"
                                    "  trust-anchor-signaling: no\n"
                                    "  root-key-sentinel: no\n"
                                    "  local-zone: \"" FINALISE_NAME "\" static\n";

/* With one upstream all names are forwarded: the zones that the library answers by itself are taken out.
 * Caches are as small as they get, because forward-no-cache keeps them empty. */
static const char forward_config[] =
    "  msg-cache-size: 4k\n"
    "  rrset-cache-size: 4k\n"
    "  key-cache-size: 4k\n"
    "  infra-cache-numhosts: 16\n"
    "  infra-host-ttl: 60\n"
    "  qname-minimisation: no\n"
    "  unblock-lan-zones: yes\n"
    "  insecure-lan-zones: yes\n"
    "  local-zone: \"localhost.\" nodefault\n"
    "  local-zone: \"127.in-addr.arpa.\" nodefault\n"
    "  local-zone: \"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.\" nodefault\n"
    "  local-zone: \"home.arpa.\" nodefault\n"
    "  local-zone: \"onion.\" nodefault\n"
    "  local-zone: \"test.\" nodefault\n"
    "  local-zone: \"invalid.\" nodefault\n";

/* A validator asks for the keys of each zone once for as long as they hold. */
static const char forward_validate_config[] = "  rrset-cache-size: 1m\n"
                                              "  key-cache-size: 2m\n";

/* What a recursion needs is kept in its caches: addresses of name servers, keys, delegations. */
static const char recursion_config[] = "  msg-cache-size: 2m\n"
                                       "  rrset-cache-size: 4m\n"
                                       "  key-cache-size: 2m\n"
                                       "  qname-minimisation: yes\n";

/* Whether this machine has a way to IPv6 addresses: an address of the root's, and nothing is sent to it. */
static bool has_ipv6(void)
{
    struct sockaddr_in6 root = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
    inet_pton(AF_INET6, "2001:500:200::b", &root.sin6_addr);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && connect(fd, (const struct sockaddr *)&root, sizeof root) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

#define HOST_TEXT_MAX (INET6_ADDRSTRLEN + 16)

/* An address without its port. */
static int host_text(const union address *a, char out[HOST_TEXT_MAX])
{
    bool ip6 = a->sa.sa_family == AF_INET6;
    const void *octets = ip6 ? (const void *)&a->in6.sin6_addr : &a->in.sin_addr;
    if (inet_ntop(a->sa.sa_family, octets, out, INET6_ADDRSTRLEN) == NULL)
        return -errno;
    size_t len = strlen(out);
    if (ip6 && a->in6.sin6_scope_id != 0)
        snprintf(out + len, HOST_TEXT_MAX - len, "%%%u", a->in6.sin6_scope_id);
    return ERR_OK;
}

static int write_forward(int fd, const struct exchange_target *target)
{
    char address[HOST_TEXT_MAX], source[HOST_TEXT_MAX] = "";
    bool ip6 = target->address.sa.sa_family == AF_INET6;
    int ret = host_text(&target->address, address);
    if (ret == ERR_OK && target->source.sa.sa_family != AF_UNSPEC)
        ret = host_text(&target->source, source);
    if (ret != ERR_OK)
        return ret;
    int written = dprintf(fd,
                          "%s%s\n  do-ip4: %s\n  do-ip6: %s\n"
                          "forward-zone:\n  name: \".\"\n  forward-addr: %s@%u\n  forward-first: no\n"
                          "  forward-no-cache: yes\n  forward-tcp-upstream: %s\n",
                          source[0] != '\0' ? "  outgoing-interface: " : "", source, ip6 ? "no" : "yes",
                          ip6 ? "yes" : "no", address, (unsigned)address_port(&target->address),
                          target->tcp ? "yes" : "no");
    return written < 0 ? -EIO : ERR_OK;
}

static int write_bytes(int fd, const struct bytes *b)
{
    return b->len == 0 || dprintf(fd, "%.*s", (int)b->len, b->data) >= 0 ? ERR_OK : -EIO;
}

static int write_config(int fd, const struct exchange_target *target)
{
    static const struct unbound_settings none;
    const struct unbound_settings *s = target->unbound != NULL ? target->unbound : &none;
    int written =
        dprintf(fd,
                "%s%s%s  module-config: \"%siterator\"\n  outgoing-range: %d\n  outgoing-num-tcp: %d\n"
                "  outbound-msg-retry: %d\n  tcp-reuse-timeout: %u\n",
                common_config, s->recursion ? recursion_config : forward_config,
                s->validate && !s->recursion ? forward_validate_config : "", s->validate ? "validator " : "",
                OUTGOING_RANGE, OUTGOING_TCP, SENDS, target->expire_ms > 0 ? target->expire_ms : 1);
    if (written >= 0 && s->recursion)
        written = dprintf(fd, "  do-ip6: %s\n", has_ipv6() ? "yes" : "no");
    int ret = written < 0 ? -EIO : write_bytes(fd, &s->server);
    if (ret == ERR_OK && !s->recursion)
        ret = write_forward(fd, target);
    return ret == ERR_OK ? write_bytes(fd, &s->clauses) : ret;
}

/* Writes the configuration to memory and has the library read it: it takes a file name only. */
static int configure(struct ub_ctx *ub, const struct exchange_target *target)
{
    char path[32];
    int fd = memfd_create("unbound.conf", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int ret = write_config(fd, target);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (ret == ERR_OK && ub_ctx_config(ub, path) != UB_NOERROR)
        ret = ERR_CONFIG;
    close(fd);
    return ret;
}

/* ---- contexts ---- */

static void on_finalised(void *ctx, int rcode, void *packet, int len, int sec, char *why, int limited)
{
    (void)rcode, (void)packet, (void)len, (void)sec, (void)why, (void)limited;
    *(bool *)ctx = true;
}

static int finalise(struct ub_ctx *ub)
{
    bool answered = false;
    int ret = ub_resolve_event(ub, FINALISE_NAME, RR_A, CLASS_IN, &answered, on_finalised, NULL);
    if (ret == UB_NOERROR && answered)
        ret = ub_ctx_zone_remove(ub, FINALISE_NAME);
    return ret == UB_NOERROR && answered ? ERR_OK : ret == UB_NOMEM ? -ENOMEM : ERR_UNSUPPORTED;
}

static int create(struct event_base *base, const struct exchange_target *target, struct ub_ctx **out)
{
    struct ub_ctx *ub = ub_ctx_create_event(base);
    if (ub == NULL)
        return -ENOMEM;
    ub_ctx_debugout(ub, unbound_log_stream());
    int ret = configure(ub, target);
    if (ret == ERR_OK)
        ret = finalise(ub);
    if (ret == ERR_OK)
        *out = ub;
    else
        ub_ctx_delete(ub);
    return ret;
}

int unbound_context_new(struct event_base *base, const struct exchange_target *target, struct ub_ctx **out)
{
    pthread_mutex_lock(&library_lock);
    int ret = create(base, target, out);
    pthread_mutex_unlock(&library_lock);
    return ret;
}

void unbound_context_free(struct ub_ctx *ub)
{
    pthread_mutex_lock(&library_lock);
    ub_ctx_delete(ub);
    pthread_mutex_unlock(&library_lock);
}

void unbound_context_log(struct ub_ctx *ub)
{
    pthread_mutex_lock(&library_lock);
    ub_ctx_debugout(ub, unbound_log_stream());
    pthread_mutex_unlock(&library_lock);
}

int unbound_context_check(struct unbound_settings *s, struct errtext *e)
{
    struct exchange_target target = {.unbound = s};
    target.address.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(53)};
    struct event_base *base = event_base_new();
    struct ub_ctx *ub;
    int ret = base == NULL ? -ENOMEM : unbound_context_new(base, &target, &ub);
    if (ret == ERR_OK)
        unbound_context_free(ub);
    if (base != NULL)
        event_base_free(base);
    if (ret == ERR_CONFIG || ret == ERR_UNSUPPORTED)
        return errtext_set(e, ERR_CONFIG,
                           "libunbound does not take these settings; its reason is in the log");
    return ret;
}
