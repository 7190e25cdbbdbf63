// Session: what is said over one connection. Bytes in, bytes out; no socket, no clock.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_SESSION_H_
#define LEASTWISE_SPOE_AGENT_SERVE_SESSION_H_

#include <cstdint>
#include <memory>

#include "leastwise/clock.h"
#include "spop/buffer.h"
#include "spop/types.h"

namespace leastwise::agent {

class Session {
 public:
  virtual ~Session() = default;

  // Takes the next bytes of the stream, split anyhow, and appends the answers to `output`.
  virtual void feed(spop::Bytes bytes, spop::Buffer& output) noexcept = 0;
  // All output was sent: appends the next part of an answer that comes in parts, if there is one.
  virtual void go_on(spop::Buffer&) noexcept {}
  // The peer sends no more.
  virtual void end_of_input(spop::Buffer& output) noexcept = 0;
  // We end the connection.
  virtual void say_goodbye(spop::Buffer& output) noexcept = 0;

  virtual bool is_closing() const noexcept = 0;
  // Whether the peer has to say something soon: a greeting, the rest of what it began.
  virtual bool is_owed() const noexcept = 0;
  // How much came to an end so far: messages of the peer, parts of an answer.
  virtual std::uint64_t progress() const noexcept = 0;
};

// What is spoken on a port.
class Protocol {
 public:
  virtual ~Protocol() = default;

  // Before each round. `is_outdated`: what waits in the sockets has waited for far too long.
  virtual void begin(TimePoint, bool /*is_outdated*/) noexcept {}
  // Null when memory is exhausted.
  virtual std::unique_ptr<Session> open() noexcept = 0;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_SESSION_H_
