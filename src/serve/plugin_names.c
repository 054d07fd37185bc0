#include "serve/plugin_names.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
    "acl",      "any",        "auto",  "azure",   "cancel",      "clouddns",  "dns64",       "dnssec",
    "dnstap",   "erratic",    "etcd",  "file",    "geoip",       "grpc",      "grpc_server", "header",
    "https",    "https3",     "local", "minimal", "multisocket", "nomad",     "nsid",        "on",
    "pprof",    "proxyproto", "quic",  "root",    "route53",     "secondary", "shed",        "sign",
    "timeouts", "tls",        "trace", "tsig",    "view",
};

bool plugin_name_known(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}
