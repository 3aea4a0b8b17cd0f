/* no_scan.h - where nothing is granted, nothing is scanned. */
#ifndef SPSA_NO_SCAN_H
#define SPSA_NO_SCAN_H

extern void no_scan_init(void);

#endif							/* SPSA_NO_SCAN_H */
