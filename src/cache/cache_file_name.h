/* Where a cache is kept on disk. */
#ifndef SEAMARK_CACHE_CACHE_FILE_NAME_H
#define SEAMARK_CACHE_CACHE_FILE_NAME_H

#include "conf/corefile.h"

/* The file that the block's cache is kept in, as its text has it or as it is called without a name; NULL:
 * none, or no memory. The caller frees it. */
char *cache_file_name(const struct server_block *b);

#endif
