// Classify: what became of one session with a server, read from what nginx leaves behind.
//
// nginx tells a balancer little: a server that reset the connection, a client that left and a good
// session all look alike. Pure: knows nothing of nginx, so that each row of the table can be
// tested.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_CLASSIFY_H_
#define LEASTWISE_NGINX_MODULE_STREAM_CLASSIFY_H_

#include "leastwise/outcome.h"

namespace leastwise::nginx::stream {

struct Evidence {
  bool given_up = false;     // NGX_PEER_FAILED: nginx would go on to another server, if it could
  bool datagrams = false;    // UDP
  bool reached = false;      // there was a socket to the server, TCP's connected or not
  bool tls_begun = false;    // the connection was made, its TLS handshake not done yet
  bool connected = false;    // TCP: with its TLS handshake, if any
  bool asked = false;        // something of the client's went to the server
  bool answered = false;     // at least one byte came from the server
  bool timed_out = false;    // connecting, or the TLS handshake
  bool broken = false;       // an error of the socket: reset, or of UDP refused
  bool closed = false;       // the server will send no more
  bool client_left = false;  // else nginx ended it: nothing came for proxy_timeout
  bool expects_answer = false;
};

Result classify(const Evidence& e) noexcept;

}  // namespace leastwise::nginx::stream

#endif  // LEASTWISE_NGINX_MODULE_STREAM_CLASSIFY_H_
