/*
 * Read-copy-update over liburcu (memory-barrier flavour), in few calls, so that ThreadSanitizer can follow
 * them and the library could be replaced in one place. Readers: rcu_reader_begin/end around a read section in
 * which nothing blocks. A writer builds the new object aside, rcu_publish()es it, calls rcu_wait() and then
 * frees the old one, or leaves the freeing to rcu_free_later().
 *
 * Every thread that reads calls rcu_reader_register() first and rcu_reader_unregister() before it ends.
 */
#ifndef SEAMARK_BASE_RCU_H
#define SEAMARK_BASE_RCU_H

#include <stdatomic.h>

void rcu_reader_register(void);
void rcu_reader_unregister(void);
void rcu_reader_begin(void);
void rcu_reader_end(void);

/* Waits until every read section that had begun before has ended. Never from within a read section. */
void rcu_wait(void);

/* Calls release(object) in a background thread after all present readers have ended. Any thread. */
void rcu_free_later(void *object, void (*release)(void *));
/* Waits until all releases asked for so far have run; for orderly shutdown and tests. */
void rcu_drain(void);

/* Publishes `value` in `slot` / reads `slot`: C11 release and acquire, which liburcu's own macros amount to.
 */
#define rcu_publish(slot, value) __atomic_store_n((slot), (value), __ATOMIC_RELEASE)
#define rcu_read(slot)           __atomic_load_n((slot), __ATOMIC_ACQUIRE)

#endif
