/* As read in libunbound 1.17's sources and manual, and tried. A name that ends in * stands for all that begin
 * so. */
#include "exchange/unbound_refusal.h"

#include <stdbool.h>
#include <string.h>

static const char cleartext[] =
    "Debian's libunbound has no TLS and would send in the clear; use forward with tls://";
static const char daemon_only[] = "only the daemon unbound has it, libunbound ignores it";
static const char whole_process[] =
    "libunbound keeps it once for the whole process, so it would change every other block too";
static const char ours_ttl[] = "it would hold for the whole process; use the cache plugin's TTLs";
static const char ours_stale[] = "libunbound ignores it; use serve_stale of the cache plugin";
static const char ours_prefetch[] = "libunbound ignores it; use prefetch of the cache plugin";
static const char ours_log[] = "libunbound ignores it; use the log and errors plugins";
static const char ours_metrics[] = "libunbound ignores it; use the prometheus plugin";
static const char ours_listen[] = "libunbound does not listen; use the server block's address, bind and tls";
static const char folder[] = "it would change the working directory of the whole process";
static const char fatal[] = "libunbound ends the process when it is reached";
static const char modules[] = "the modules follow from validate";
static const char other_module[] =
    "it belongs to a module that does not run here, so it would have no effect";
static const char includes[] = "name that file with config of its own";

static const struct {
    const char *name, *why;
} refused[] = {
    {"access-control*", daemon_only},
    {"additional-ssl-port", ours_listen},
    {"additional-tls-port", ours_listen},
    {"answer-cookie", daemon_only},
    {"cache-max-negative-ttl", ours_ttl},
    {"cache-max-ttl", ours_ttl},
    {"cache-min-ttl", ours_ttl},
    {"cachedb*", daemon_only},
    {"chroot", daemon_only},
    {"client-subnet-*", other_module},
    {"control-*", daemon_only},
    {"cookie-secret*", daemon_only},
    {"deny-any", daemon_only},
    {"directory", folder},
    {"dnscrypt*", daemon_only},
    {"dnstap*", daemon_only},
    {"dns64-*", other_module},
    {"do-daemonize", daemon_only},
    {"dynlib*", daemon_only},
    {"edns-buffer-size", whole_process},
    {"edns-tcp-keepalive*", daemon_only},
    {"extended-statistics", ours_metrics},
    {"forward-ssl-upstream", cleartext},
    {"forward-tls-upstream", cleartext},
    {"hide-*", daemon_only},
    {"http-*", ours_listen},
    {"https-port", ours_listen},
    {"identity", daemon_only},
    {"include*", includes},
    {"incoming-num-tcp", ours_listen},
    {"infra-cache-max-rtt", whole_process},
    {"infra-cache-min-rtt", whole_process},
    {"interface*", ours_listen},
    {"ip-address", ours_listen},
    {"ip-dscp", ours_listen},
    {"ip-freebind", ours_listen},
    {"ip-ratelimit*", daemon_only},
    {"ip-transparent", ours_listen},
    {"ipset*", daemon_only},
    {"ipsecmod-*", other_module},
    {"jostle-timeout", daemon_only},
    {"log-*", ours_log},
    {"logfile", ours_log},
    {"max-client-subnet-*", other_module},
    {"max-ecs-tree-*", other_module},
    {"max-udp-size", daemon_only},
    {"min-client-subnet-*", other_module},
    {"minimal-responses", whole_process},
    {"module-config", modules},
    {"nsid", daemon_only},
    {"num-queries-per-thread", daemon_only},
    {"num-threads", daemon_only},
    {"pad-*", daemon_only},
    {"permit-small-holddown", whole_process},
    {"pidfile", daemon_only},
    {"port", ours_listen},
    {"prefetch", ours_prefetch},
    {"proxy-protocol-port", ours_listen},
    {"python*", daemon_only},
    {"quic-*", ours_listen},
    {"ratelimit*", whole_process},
    {"redis*", daemon_only},
    {"remote-control", daemon_only},
    {"response-ip*", other_module},
    {"rpz*", other_module},
    {"rrset-roundrobin", whole_process},
    {"send-client-subnet", other_module},
    {"serve-expired*", ours_stale},
    {"serve-original-ttl", whole_process},
    {"shm-*", ours_metrics},
    {"so-*", ours_listen},
    {"ssl-*", cleartext},
    {"statistics-*", ours_metrics},
    {"stream-wait-size", daemon_only},
    {"stub-ssl-upstream", cleartext},
    {"stub-tls-upstream", cleartext},
    {"tcp-idle-timeout", ours_listen},
    {"tls-*", cleartext},
    {"unknown-server-time-limit", whole_process},
    {"unwanted-reply-threshold", fatal},
    {"use-syslog", ours_log},
    {"use-systemd", daemon_only},
    {"username", daemon_only},
    {"verbosity", whole_process},
    {"version", daemon_only},
    {"view*", daemon_only},
};

const char *unbound_refusal(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        size_t n = strlen(refused[i].name);
        bool prefix = refused[i].name[n - 1] == '*';
        if (prefix ? len >= n - 1 && memcmp(name, refused[i].name, n - 1) == 0
                   : len == n && memcmp(name, refused[i].name, n) == 0)
            return refused[i].why;
    }
    return NULL;
}
