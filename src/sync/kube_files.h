/*
 * Kubernetes objects from files in place of an API server: one file, or the *.json, *.yaml and *.yml files of
 * a folder in sorted order. A file holds one object or several (documents of YAML, JSON values one behind the
 * other), each an object or a List of them (`kubectl get -o json`). Other kinds are passed over; an object
 * without namespace is in "default", as kubectl has it.
 *
 * A document that is wrong costs itself; the log names file and document, the rest is in force. While there
 * is such an error in files read again, nothing is removed, so that a half-saved file does not take services
 * away. A file that cannot be read at all (no permission, an error of the disk) is not a file that is gone:
 * the lists are not ended, and so nothing is removed, or published at a start, until it can be read; that is
 * tried again.
 *
 * One thread.
 */
#ifndef SEAMARK_SYNC_KUBE_FILES_H
#define SEAMARK_SYNC_KUBE_FILES_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/kubernetes_block.h"
#include "sync/kube_sink.h"

/* Largest file read. `kubectl get -A -o json` of 100,000 endpoints is some 200 MiB. */
#define KUBE_FILES_SIZE_MAX ((size_t)1 << 30)
/* Files of a folder. */
#define KUBE_FILES_MAX 100000

struct kube_files;

/* From k->objects; objects whose labels the block does not select are passed over. `k` is borrowed until
 * kube_files_free(), `sink` is copied. NULL without memory. */
struct kube_files *kube_files_new(const struct kubernetes_block *k, const struct kube_sink *sink);
void kube_files_free(struct kube_files *f); /* NULL allowed */

/* Reads everything and tells the sink, as lists of every kind. ERR_OK, or the first thing that was wrong (all
 * are logged; what could be read has been told). */
int kube_files_load(struct kube_files *f);

/* True where files have come, gone or changed since the last load (by name, size, time and inode). Cheap: for
 * being asked once a second. */
bool kube_files_changed(struct kube_files *f);

#endif
