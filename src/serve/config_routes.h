/* Listeners and routes of a configuration, from its blocks' keys and bind addresses. Control thread. */
#ifndef SEAMARK_SERVE_CONFIG_ROUTES_H
#define SEAMARK_SERVE_CONFIG_ROUTES_H

#include "serve/config.h"

int config_routes_build(struct config *c, uint16_t dns_port, struct errtext *e);
void config_routes_free(struct config *c);

#endif
