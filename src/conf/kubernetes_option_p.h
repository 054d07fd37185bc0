/* Private to the parser of the `kubernetes` block: its single options. */
#ifndef SEAMARK_CONF_KUBERNETES_OPTION_P_H
#define SEAMARK_CONF_KUBERNETES_OPTION_P_H

#include "conf/kubernetes_block.h"

#define KUBERNETES "kubernetes" /* the plugin's name in messages */

/* Reads one line of the block into `k`. ERR_CONFIG with `e` set, -ENOMEM. */
int kubernetes_option_read(const struct directive *d, struct kubernetes_block *k, struct errtext *e);

#endif
