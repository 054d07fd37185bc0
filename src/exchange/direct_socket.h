/* Sockets to an upstream. Any thread. */
#ifndef SEAMARK_EXCHANGE_DIRECT_SOCKET_H
#define SEAMARK_EXCHANGE_DIRECT_SOCKET_H

#include "exchange/exchange.h"

/* Opens a non-blocking socket of the type (SOCK_DGRAM, SOCK_STREAM) that is connected, or being connected, to
 * the target, from its source address where it has one. -errno. */
int direct_socket_open(const struct exchange_target *target, int type, int *fd);

#endif
