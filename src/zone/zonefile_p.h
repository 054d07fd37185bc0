/* What writer and reader of zone files agree upon. */
#ifndef SEAMARK_ZONE_ZONEFILE_P_H
#define SEAMARK_ZONE_ZONEFILE_P_H

#define ZONEFILE_MAGIC   "; seamark zone file "
#define ZONEFILE_VERSION "1"
#define ZONEFILE_TRAILER "; end: "

#endif
