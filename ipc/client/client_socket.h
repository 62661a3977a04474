/* Where a daemon's socket may be, and whether one listens there. */
#ifndef IPC_CLIENT_SOCKET_H
#define IPC_CLIENT_SOCKET_H

#include <ragd/err.h>

/* Connect once and hang up. On success *out is the path, for the caller to free(). */
int client_socket_try(const char *path, char **out, struct ragd_err *err);
/* The same with the first that answers of those ragd_client_places() lists. */
int client_socket_find(char **out, struct ragd_err *err);

#endif
