/* The root's trust anchor: built in, and kept on disk once keys have been seen to change (RFC 5011). Control
 * thread. */
#ifndef SEAMARK_EXCHANGE_UNBOUND_ANCHOR_H
#define SEAMARK_EXCHANGE_UNBOUND_ANCHOR_H

#include "exchange/unbound_settings.h"

/* Where `s` wants the root's anchor: names `folder`/root.key in it, which libunbound keeps up to date. The
 * file is made of the built-in keys where there is none, and made anew where libunbound cannot read it (the
 * old one is then root.key.damaged). Where it cannot be written the built-in keys hold, and the log says so.
 * Otherwise does nothing. -ENOMEM, ERR_CONFIG. */
int unbound_anchor_ready(struct unbound_settings *s, const char *folder, struct errtext *e);

#endif
