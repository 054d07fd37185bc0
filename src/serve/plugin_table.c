/* The plugins in the order of their stages: CoreDNS's order (its plugin.cfg). A new plugin is one file in
 * src/plugins/ and one line here. */
#include "serve/plugin.h"

extern const struct plugin plugin_metadata, plugin_reload, plugin_bufsize, plugin_bind, plugin_debug,
    plugin_ready, plugin_health, plugin_prometheus, plugin_errors, plugin_log, plugin_chaos,
    plugin_loadbalance, plugin_rewrite, plugin_autopath, plugin_cache, plugin_template, plugin_transfer,
    plugin_hosts, plugin_k8s_external, plugin_kubernetes, plugin_loop, plugin_forward, plugin_unbound,
    plugin_whoami;

const struct plugin *const plugin_table[] = {
    &plugin_metadata, &plugin_reload,      &plugin_bufsize,    &plugin_bind,         &plugin_debug,
    &plugin_ready,    &plugin_health,      &plugin_prometheus, &plugin_errors,       &plugin_log,
    &plugin_chaos,    &plugin_loadbalance, &plugin_rewrite,    &plugin_autopath,     &plugin_cache,
    &plugin_template, &plugin_transfer,    &plugin_hosts,      &plugin_k8s_external, &plugin_kubernetes,
    &plugin_loop,     &plugin_forward,     &plugin_unbound,    &plugin_whoami,
};

const size_t plugin_count = sizeof plugin_table / sizeof plugin_table[0];
