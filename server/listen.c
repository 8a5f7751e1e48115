/* The listening socket. */
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum quire_status listen_open(const char *host, uint32_t port, int *out, uint32_t *port_out,
                                     struct quire_error *error)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found = NULL;
    struct sockaddr_storage address;
    socklen_t address_bytes = sizeof address;
    char service[16];
    int one = 1, descriptor = -1, failure;

    snprintf(service, sizeof service, "%u", port);
    failure = getaddrinfo(host, service, &hints, &found);
    if (failure != 0)
        return quire_fail(error, QUIRE_IO, "cannot listen on %s: %s", host, gai_strerror(failure));
    descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(descriptor, found->ai_addr, found->ai_addrlen) != 0 || listen(descriptor, 4096) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &address_bytes) != 0) {
        quire_fail(error, QUIRE_IO, "cannot listen on %s port %u: %s", host, port, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        freeaddrinfo(found);
        return QUIRE_IO;
    }
    freeaddrinfo(found);
    *port_out = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                    : ((struct sockaddr_in *)&address)->sin_port);
    *out = descriptor;
    return QUIRE_OK;
}
