/* Names of CoreDNS's plugins that Seamark does not have, so that an error can say "not built" and not
 * "unknown". */
#ifndef SEAMARK_SERVE_PLUGIN_NAMES_H
#define SEAMARK_SERVE_PLUGIN_NAMES_H

#include <stdbool.h>

bool plugin_name_known(const char *name);

#endif
