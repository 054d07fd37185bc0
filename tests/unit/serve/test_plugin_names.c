#include "serve/plugin_names.h"

#include <string.h>

#include "../runner.h"
#include "serve/plugin.h"

static void coredns_plugins_are_known_by_name(void)
{
    static const char *const known[] = {"acl", "route53", "view", "geoip", "nomad", "tls"};
    static const char *const unknown[] = {"", "nonsense", "ACL", "route5", "route533", "import"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        CU_ASSERT_TRUE(plugin_name_known(known[i]));
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        CU_ASSERT_FALSE(plugin_name_known(unknown[i]));
}

/* One that is built must not be said to be missing. */
static void no_plugin_that_is_built_is_among_those_that_are_not(void)
{
    CU_ASSERT(plugin_count >= 16);
    for (size_t i = 0; i < plugin_count; i++) {
        CU_ASSERT_FALSE(plugin_name_known(plugin_table[i]->name));
        CU_ASSERT_PTR_NOT_NULL(plugin_table[i]->setup);
        for (size_t k = 0; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(plugin_table[i]->name, plugin_table[k]->name);
    }
}

/* The order of CoreDNS's plugin.cfg decides what an answer passes on its way, so it is written down here once
 * more. */
static void the_table_is_in_corednss_order(void)
{
    static const char *const order[] = {
        "root",    "metadata",  "cancel",   "timeouts", "multisocket",  "reload",     "nsid",
        "bufsize", "bind",      "debug",    "ready",    "health",       "pprof",      "prometheus",
        "errors",  "log",       "local",    "dns64",    "any",          "chaos",      "loadbalance",
        "tsig",    "rewrite",   "autopath", "acl",      "cache",        "header",     "dnssec",
        "minimal", "template",  "transfer", "hosts",    "k8s_external", "kubernetes", "file",
        "auto",    "secondary", "etcd",     "loop",     "forward",      "unbound",    "erratic",
        "whoami",  "on",
    };
    size_t at = 0;
    for (size_t i = 0; i < plugin_count; i++) {
        while (at < sizeof order / sizeof order[0] && strcmp(order[at], plugin_table[i]->name) != 0)
            at++;
        CU_ASSERT(at <
                  sizeof order / sizeof order[0]); /* else it stands too early, or is not in the list above */
    }
}

static const struct unit_test tests[] = {
    {"CoreDNS's plugins are known by name", coredns_plugins_are_known_by_name},
    {"no plugin that is built is among those that are not",
     no_plugin_that_is_built_is_among_those_that_are_not},
    {"the table is in CoreDNS's order", the_table_is_in_corednss_order},
};

int main(void)
{
    return run_suite("plugin_names", tests, sizeof tests / sizeof tests[0]);
}
