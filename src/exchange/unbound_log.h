/* libunbound's log lines, made ours. The library writes to a stream and knows one for the whole process. */
#ifndef SEAMARK_EXCHANGE_UNBOUND_LOG_H
#define SEAMARK_EXCHANGE_UNBOUND_LOG_H

#include <stdio.h>

/* The stream to give to the library; its lines become warnings of plugin/forward, one a second. Made at the
 * first call, which is to be alone in it. NULL without memory: then nothing is logged. */
FILE *unbound_log_stream(void);

#endif
