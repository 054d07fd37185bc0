/* What the parts of a reply share: names written so far, so that later ones can point to them. */
#ifndef SEAMARK_DNS_REPLY_P_H
#define SEAMARK_DNS_REPLY_P_H

#include "base/cursor.h"
#include "dns/reply.h"

/* Writes a name at `c`, which is in r->wire: as far as its end stands there already, as a pointer (RFC 1035
 * section 4.1.4), octet by octet: a name that differs in case is another. Remembers what it writes. */
void reply_put_name(struct reply *r, struct cursor *c, const uint8_t *name);

/* Remembers the name at the end of what was written, which is not to be compressed itself (RFC 2782) but may
 * be pointed to: the addresses of SRV targets follow. */
void reply_remember_written(struct reply *r, const struct cursor *c, const uint8_t *name);

/* Where the last record's owner stands, where that is `owner`, octet by octet, and can be pointed to; else 0.
 */
size_t reply_last_owner(const struct reply *r, const uint8_t *owner);

/* Forgets all names but the first `keep`. */
void reply_forget_names(struct reply *r, unsigned keep);

#endif
