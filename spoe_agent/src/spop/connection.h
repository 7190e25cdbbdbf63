// Connection: the agent's side of one SPOP connection. Bytes in, bytes out; no socket, no clock.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_CONNECTION_H_
#define LEASTWISE_SPOE_AGENT_SPOP_CONNECTION_H_

#include <cstdint>

#include "spop/actions.h"
#include "spop/buffer.h"
#include "spop/handshake.h"
#include "spop/messages.h"
#include "spop/types.h"

namespace leastwise::spop {

// Answers NOTIFY frames. Called inside of feed(); whatever it is given is valid during the call.
// One handler may serve any number of connections of one thread. It must not throw.
class Handler {
 public:
  virtual ~Handler() = default;

  // `messages` is well formed to its end. No action is a fine answer: HAProxy goes on at once.
  virtual void on_notify(Messages messages, Actions& actions) noexcept = 0;

  // For logs and counters. After a health check the connection closes by itself.
  virtual void on_hello(const Hello&) noexcept {}
  virtual void on_disconnect(const Disconnect&) noexcept {}
};

// The state machine: HAPROXY-HELLO, then any number of NOTIFY, each answered by an ACK in the same
// call, until HAPROXY-DISCONNECT. Whatever breaks the protocol is answered by an AGENT-DISCONNECT
// with the code of the specification, also an undecodable NOTIFY, for which HAProxy would else wait
// out its processing timeout. We announce pipelining if HAProxy does, and never fragmentation.
//
//   3  a frame above the agreed size (16,380 before the HELLO), hence HTTP, TLS and their like
//   4  an empty or undecodable frame, an unknown type, NOTIFY before HELLO, a second HELLO
//   10 a fragment: a frame without FIN or of type UNSET
//   5…9 see read_hello();  1 the stream ended within a frame;  13 memory is exhausted
//
// Use of the caller, one connection:
//   feed() what one recv() gave, then send() the output once; keep what did not go out.
//   recv() gave 0: end_of_input(), then send() what is left: HAProxy may only have half-closed.
//   closing() and nothing left to send: shut down the sending side and read on until the end of
//   the stream or some deadline; close() with unread input would reset the connection, and the
//   peer might never see the reason.
//   While output can not be sent do not feed: input that is not read is what slows a peer down.
//
// Whole frames are read where they lie; only a frame that is split over several feed() is copied.
// No allocation once a split frame, and the output, have been as large as they get. Every byte is
// looked at once per frame, however the stream is split. Not thread safe.
class Connection {
 public:
  // REQUIRES: max_frame_size >= kMinFrameSize; `handler` outlives the connection.
  explicit Connection(Handler& handler, std::uint32_t max_frame_size = kMaxFrameSize) noexcept
      : handler_(handler), max_frame_size_(max_frame_size) {}

  // Takes the next bytes of the stream, split anyhow, and appends the answers to `output`. Does
  // nothing once closing().
  void feed(Bytes bytes, Buffer& output) noexcept;

  // The peer sends no more.
  void end_of_input(Buffer& output) noexcept;

  // Ends the connection from our side: kNormal to shut down, kTimeout for an idle peer.
  void disconnect(StatusCode status, Buffer& output) noexcept;

  bool is_open() const noexcept { return state_ == State::kOpen; }  // HELLO was exchanged
  bool closing() const noexcept { return state_ == State::kClosing; }
  // Why it closes; kNormal as long as it does not.
  StatusCode status() const noexcept { return status_; }
  std::uint32_t max_frame_size() const noexcept { return max_frame_size_; }
  bool is_within_frame() const noexcept { return !partial_.empty(); }  // its rest is to come
  std::uint64_t frames() const noexcept { return frames_; }            // whole ones, so far

 private:
  enum class State : std::uint8_t { kHello, kOpen, kClosing };

  Bytes complete_partial(Bytes bytes, Buffer& output) noexcept;
  bool is_acceptable(std::uint32_t length, Buffer& output) noexcept;
  void on_frame(Bytes frame, Buffer& output) noexcept;
  void on_haproxy_hello(const FrameHeader& header, Bytes payload, Buffer& output) noexcept;
  void on_haproxy_disconnect(Bytes payload, Buffer& output) noexcept;
  void on_notify(const FrameHeader& header, Bytes payload, Buffer& output) noexcept;
  void close(StatusCode status) noexcept;

  Handler& handler_;
  Buffer partial_;  // the beginning of a frame, its length in front
  std::uint32_t max_frame_size_;
  std::uint64_t frames_ = 0;
  State state_ = State::kHello;
  StatusCode status_ = StatusCode::kNormal;
};

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_CONNECTION_H_
