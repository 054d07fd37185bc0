/*
 * What one block tells libunbound: settings of unbound.conf(5), recursion, DNSSEC validation with its trust
 * anchors. Filled in by plugins/unbound.c or forward.c in the control thread, checked, made ready at start;
 * from then on immutable and shared by references, which may be dropped in any thread. libunbound itself is
 * not touched here (unbound_context.h).
 *
 * Errors are ERR_CONFIG with a text that has no place in it (the plugin puts file and line before it), or
 * -ENOMEM.
 */
#ifndef SEAMARK_EXCHANGE_UNBOUND_SETTINGS_H
#define SEAMARK_EXCHANGE_UNBOUND_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* All settings of a block together. */
#define UNBOUND_SETTINGS_MAX (1024 * 1024)

struct unbound_settings {
    int references;       /* atomic */
    bool recursion;       /* from the root, instead of one upstream */
    bool validate;        /* DNSSEC (RFC 4035) */
    bool root_anchor;     /* the root's own trust anchor is wanted; unbound_anchor.h puts it in */
    bool names_anchors;   /* an option, a file or unbound_settings_distrust() names trust anchors */
    uint64_t anchors;     /* hash of the records in the file that unbound_settings_validate() named */
    struct bytes server;  /* lines of the `server:` clause */
    struct bytes clauses; /* whole clauses, from files */
};

/* One reference. -ENOMEM. */
int unbound_settings_new(bool recursion, struct unbound_settings **out);
struct unbound_settings *unbound_settings_ref(struct unbound_settings *s); /* NULL allowed */
void unbound_settings_unref(struct unbound_settings *s);                   /* NULL allowed */

/* Whether both say the same; NULL says nothing. */
bool unbound_settings_equal(const struct unbound_settings *a, const struct unbound_settings *b);

/* `NAME VALUE...` of the server clause. Refused where unbound_refusal() has a reason, or where a value cannot
 * be written down. */
int unbound_settings_option(struct unbound_settings *s, const char *name, const char *const *values,
                            size_t count, struct errtext *e);

/* A file of whole clauses. Every setting in it is held against unbound_refusal(). */
int unbound_settings_file(struct unbound_settings *s, const char *path, struct errtext *e);

/* Validation. `anchors` is a file of DNSKEY or DS records, NULL for the root's trust anchor. A file that can
 * be written is kept up to date (RFC 5011), another one is taken as it stands. Where its records have changed
 * since, the settings are no longer equal. */
int unbound_settings_validate(struct unbound_settings *s, const char *anchors, struct errtext *e);

/* A negative trust anchor (RFC 7646): names at or below `zone`, presentation form, are not validated. */
int unbound_settings_distrust(struct unbound_settings *s, const char *zone, struct errtext *e);

/* Whether libunbound can keep this file up to date: it writes it anew beside itself and renames it. */
bool unbound_settings_can_replace(const char *path);

#endif
