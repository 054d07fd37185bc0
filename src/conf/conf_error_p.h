/* Error texts of the configuration: "FILE:LINE - what was expected and found". */
#ifndef SEAMARK_CONF_CONF_ERROR_P_H
#define SEAMARK_CONF_CONF_ERROR_P_H

#include <stdarg.h>

#include "base/err.h"

/* The most of a word that an error message shows: `"%." SHOWN "s"`. */
#define SHOWN "100"

/* Sets `e`, unless it is set already, to "FILE:LINE - prefix + text"; what a file could smuggle into a log
 * with it (line ends, escape sequences) becomes '?'. `prefix` may be "". Returns ERR_CONFIG. */
int conf_verror(struct errtext *e, const char *file, unsigned line, const char *prefix, const char *format,
                va_list ap) __attribute__((format(printf, 5, 0)));
int conf_error(struct errtext *e, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
