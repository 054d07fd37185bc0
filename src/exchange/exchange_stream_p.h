/* Limits of the exchange over TCP and TLS that its test knows too. Nobody else includes this. */
#ifndef SEAMARK_EXCHANGE_STREAM_P_H
#define SEAMARK_EXCHANGE_STREAM_P_H

/* Another connection is opened where all have so many questions out, for servers that answer one after the
 * other. */
#define STREAM_SPREAD    16
#define STREAM_CALLS_MAX 1024 /* questions on one connection */

#endif
