/* The listening socket. */
#ifndef QUIRE_LISTEN_H
#define QUIRE_LISTEN_H

#include "status.h"

#include <stdint.h>

/* Listens on `host` (a name or an address) and `port` (0: any free one); gives the socket and the port it has. */
QUIRE_NODISCARD enum quire_status listen_open(const char *host, uint32_t port, int *out, uint32_t *port_out,
                                              struct quire_error *error);

#endif
